import { compareIds, FIRST_ID } from "../../../contract/ids.ts";
import type { DataMessage } from "../../../contract/messages.ts";
import type { StreamKey } from "../topics/topic.ts";
import { RecentIds } from "./recent-ids.ts";
import type { StreamIds, StreamPosition } from "./stream-position.ts";

/** Ids remembered per stream. Conflation skips most messages where only the newest value counts, so few can repeat. */
const REMEMBERED = { latest: 16, all: 128 };

/** Keeps the newest id and value and the recent ids of each stream of a subscription, independent of its receivers. */
export class StreamHeads {
  readonly #isLatest: boolean;
  readonly #ids = new Map<StreamKey, string>();
  /** The newest message of each stream, where only the newest value counts. */
  readonly #values = new Map<StreamKey, DataMessage>();
  readonly #recent = new Map<StreamKey, RecentIds>();
  /** Streams whose last heartbeat named an id that is known and older than a receiver's position, with that id. */
  readonly #lowIds = new Map<StreamKey, string>();

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

  /**
   * Records the position that a heartbeat named. Returns whether the one before it named the same older id: a single one
   * may have been overtaken.
   *
   * @param isLow whether a receiver is ahead of it
   */
  isLowAgain({ key, id }: StreamPosition, isLow: boolean): boolean {
    const isAgain = isLow && this.#lowIds.get(key) === id;
    if (isLow) this.#lowIds.set(key, id);
    else this.#lowIds.delete(key);
    return isAgain;
  }

  /** Moves the head to a message that no receiver found a hole before. */
  advance(key: StreamKey, message: DataMessage): void {
    // A reply moves the id before the value that it names arrives.
    const newest = this.#isLatest ? this.#values.get(key)?.id : this.#ids.get(key);
    if (newest === undefined || compareIds(message.id, newest) > 0) this.replace(key, message);
    else this.#remember(key, message.id);
  }

  /** Moves the head to a message whatever the id before it is. */
  replace(key: StreamKey, message: DataMessage): void {
    this.#remember(key, message.id);
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
