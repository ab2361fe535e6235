import { compareIds, FIRST_ID } from "../../contract/ids.ts";
import type { Stream } from "../../contract/stream.ts";
import type { Recovery } from "../../kernel/protocol/recovery.ts";
import { resumeState, type SentState, type StateView } from "../../kernel/protocol/state-recovery.ts";
import { type Entry, isChanges } from "../../kernel/streams/entry.ts";
import type { StoredState } from "../../kernel/streams/stored-state.ts";
import type { Target } from "../fan-out/fan-out-options.ts";
import type { OutgoingOptions } from "../fan-out/outgoing.ts";
import { type StreamView, viewTarget } from "./stream-view.ts";

/** The stream of a view. */
export interface ViewedStream
  extends Pick<StreamView, "stream" | "isConfirmed" | "failure" | "confirm" | "loadHistory"> {
  readonly lastId: string;
  /** The newest value, with the id of its entry. */
  readonly value: StoredState | undefined;
  /** Entries in memory, oldest first. */
  readonly entries: readonly Entry[];
  /** Returns true where memory shows what follows an id, or that Redis no longer holds it. */
  reaches(id: string): boolean;
}

export interface StateViewOptions {
  readonly source: ViewedStream;
  readonly view: StateView;
  /** Most whole values a second. */
  readonly wholeValueRate: number;
  readonly send: (target: Target, content: OutgoingOptions) => void;
}

/** One kind of message of a state channel's stream. Its messages are made once, for all of its subscribers. */
export abstract class StateStreamView implements StreamView {
  readonly target: Target;
  protected readonly source: ViewedStream;
  protected readonly view: StateView;
  readonly #send: StateViewOptions["send"];

  constructor({ source, view, send }: StateViewOptions) {
    this.source = source;
    this.view = view;
    this.target = viewTarget(source.stream, view);
    this.#send = send;
  }

  /** The value that the subscribers have, with the id of its message. */
  protected abstract readonly sent: SentState | undefined;

  /** Sends what an entry means to the subscribers, or will. Call it after the stream has advanced. */
  abstract advance(entry: Entry): void;

  abstract reaches(id: string): boolean;

  /** Forgets the value: the stream has been reset to nothing. */
  abstract reset(): void;

  /** Ends the timers. */
  close(): void {
    // Most have none.
  }

  get stream(): Stream {
    return this.source.stream;
  }

  get lastId(): string {
    return this.sent?.id ?? FIRST_ID;
  }

  get isConfirmed(): boolean {
    return this.source.isConfirmed;
  }

  get failure(): Error | undefined {
    return this.source.failure;
  }

  isAhead(id: string): boolean {
    return compareIds(id, this.source.lastId) > 0;
  }

  snapshot(): Recovery {
    return this.#recovery(undefined);
  }

  resume(id: string): Recovery {
    return this.#recovery(id);
  }

  confirm(): Promise<unknown> {
    return this.source.confirm();
  }

  loadHistory(): Promise<void> {
    return this.source.loadHistory();
  }

  contentOf(entry: Entry): OutgoingOptions {
    const content = this.#content(entry);
    if (isChanges(entry)) return content;
    const newest = (): OutgoingOptions | undefined => {
      const [last] = this.snapshot().entries;
      return last && this.#content({ ...last, prev: entry.prev });
    };
    return { ...content, newest };
  }

  protected send(message: Entry): void {
    this.#send(this.target, this.#content(message));
  }

  #content(message: Entry): OutgoingOptions {
    return { event: "data", message, replaces: this.target.room };
  }

  #recovery(id: string | undefined): Recovery {
    const { stream, entries } = this.source;
    return resumeState({ stream, state: this.sent, entries }, id, this.view);
  }
}
