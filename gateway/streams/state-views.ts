import type { Entry } from "../../kernel/streams/entry.ts";
import type { StoredState } from "../../kernel/streams/stored-state.ts";
import { DepthChangesView, WholeView } from "./partial-views.ts";
import { StateStreamView, type StateViewOptions } from "./state-stream-view.ts";

/** What changed, of all rows: every entry as it is. */
export class ChangesView extends StateStreamView {
  protected get sent(): StoredState | undefined {
    return this.source.value;
  }

  advance(entry: Entry): void {
    this.send(entry);
  }

  reaches(id: string): boolean {
    return this.source.reaches(id);
  }

  reset(): void {
    // Its value is the stream's.
  }
}

/** Opens the view of a kind of subscriber. */
export function createView(options: StateViewOptions): StateStreamView {
  const { changes, depth } = options.view;
  if (!changes) return new WholeView(options);
  return depth === undefined ? new ChangesView(options) : new DepthChangesView({ ...options, depth });
}
