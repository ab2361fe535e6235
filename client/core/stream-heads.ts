import { compareIds, FIRST_ID } from "../../contract/ids.ts";
import type { DataMessage } from "../../contract/messages.ts";
import { RecentIds } from "./recent-ids.ts";
import type { StreamKey } from "./topic.ts";

/** Ids remembered of each stream. The skipped values of a `latest` channel never come, so that few can come twice. */
const REMEMBERED = { latest: 16, all: 128 };

/** Keeps where the streams of a subscription are, whoever receives them: newest ids, newest values, ids that came last. */
export class StreamHeads {
  readonly #isLatest: boolean;
  readonly #ids = new Map<StreamKey, string>();
  /** The newest message of each stream, on `latest` channels. */
  readonly #values = new Map<StreamKey, DataMessage>();
  readonly #recent = new Map<StreamKey, RecentIds>();

  constructor(isLatest: boolean) {
    this.#isLatest = isLatest;
  }

  get ids(): ReadonlyMap<StreamKey, string> {
    return this.#ids;
  }

  get values(): ReadonlyMap<StreamKey, DataMessage> {
    return this.#values;
  }

  /** Whether an id came lately, in a message or as a position. */
  knows(key: StreamKey, id: string): boolean {
    return this.#recent.get(key)?.has(id) ?? false;
  }

  /** Takes a message that no receiver found a hole before. */
  advance(key: StreamKey, message: DataMessage): void {
    this.remember(key, message.id);
    const head = this.#ids.get(key);
    if (head !== undefined && compareIds(message.id, head) <= 0 && !(this.#isLatest && !this.#values.has(key))) return;
    this.#ids.set(key, message.id);
    if (this.#isLatest) this.#values.set(key, message);
  }

  /** Takes the id that an answer names. One that is older replaces what is known where the stream was reset. */
  settle(key: StreamKey, id: string, isReset: boolean): void {
    const head = this.#ids.get(key);
    if (isReset && head !== undefined && compareIds(id, head) < 0) {
      this.#values.delete(key);
      this.#recent.delete(key);
      this.#ids.set(key, id);
    } else if (compareIds(id, head ?? FIRST_ID) > 0) this.#ids.set(key, id);
    this.remember(key, id);
  }

  clear(): void {
    for (const each of [this.#ids, this.#values, this.#recent]) each.clear();
  }

  /** Remembers an id that a receiver has, so that it counts as a repeat when it comes again. */
  remember(key: StreamKey, id: string): void {
    let recent = this.#recent.get(key);
    if (!recent) {
      recent = new RecentIds(this.#isLatest ? REMEMBERED.latest : REMEMBERED.all);
      this.#recent.set(key, recent);
    }
    recent.add(id);
  }
}
