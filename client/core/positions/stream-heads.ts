import { compareIds, FIRST_ID } from "../../../contract/ids.ts";
import type { DataMessage } from "../../../contract/messages.ts";
import type { StreamKey } from "../topics/topic.ts";
import { RecentIds } from "./recent-ids.ts";
import type { StreamIds, StreamPosition } from "./stream-position.ts";

/** Ids remembered per stream. Conflation skips most values of a `latest` channel, so few of them can repeat. */
const REMEMBERED = { latest: 16, all: 128 };

/** Keeps the newest id and value and the recent ids of each stream of a subscription, independent of its receivers. */
export class StreamHeads {
  readonly #isLatest: boolean;
  readonly #ids = new Map<StreamKey, string>();
  /** The newest message of each stream, on `latest` channels. */
  readonly #values = new Map<StreamKey, DataMessage>();
  readonly #recent = new Map<StreamKey, RecentIds>();

  constructor(isLatest: boolean) {
    this.#isLatest = isLatest;
  }

  get ids(): StreamIds {
    return this.#ids;
  }

  get values(): ReadonlyMap<StreamKey, DataMessage> {
    return this.#values;
  }

  /** Returns whether an id was seen recently, in a message or as a position. */
  knows({ key, id }: StreamPosition): boolean {
    return this.#recent.get(key)?.has(id) ?? false;
  }

  /** Moves the head to a message that no receiver found a hole before. */
  advance(key: StreamKey, message: DataMessage): void {
    this.#remember(key, message.id);
    const head = this.#ids.get(key);
    if (head !== undefined && compareIds(message.id, head) <= 0 && !(this.#isLatest && !this.#values.has(key))) return;
    this.#ids.set(key, message.id);
    if (this.#isLatest) this.#values.set(key, message);
  }

  /** Applies the position of a reply. An older one replaces what is known only where the stream was reset. */
  applyReply({ key, id }: StreamPosition, isReset: boolean): void {
    const head = this.#ids.get(key);
    if (isReset && head !== undefined && compareIds(id, head) < 0) {
      this.#values.delete(key);
      this.#recent.delete(key);
      this.#ids.set(key, id);
    } else if (compareIds(id, head ?? FIRST_ID) > 0) this.#ids.set(key, id);
    this.#remember(key, id);
  }

  clear(): void {
    for (const each of [this.#ids, this.#values, this.#recent]) each.clear();
  }

  #remember(key: StreamKey, id: string): void {
    let recent = this.#recent.get(key);
    if (!recent) {
      recent = new RecentIds(this.#isLatest ? REMEMBERED.latest : REMEMBERED.all);
      this.#recent.set(key, recent);
    }
    recent.add(id);
  }
}
