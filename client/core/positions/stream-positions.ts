import { compareIds, FIRST_ID } from "../../../contract/ids.ts";
import type { StartPosition, StreamKey } from "../topics/topic.ts";
import type { StreamIds, StreamPosition, StreamReply } from "./stream-position.ts";

/**
 * The relation of a message to a receiver's position: it follows (`apply`), it is not newer (`old`), messages before it are
 * missing (`hole`), or its stream has no position yet or is suspended (`ignore`).
 */
export type Step = "apply" | "old" | "hole" | "ignore";

export interface StreamPositionsOptions {
  /** True if only the newest value of a stream counts. */
  readonly isLatest: boolean;
  /** Names the stream where the subscription has only one; absent on a whole channel that is split by market. */
  readonly only?: { readonly key: StreamKey } | undefined;
  /** The last ids that the application already has: by market, or one for every stream. */
  readonly lastId?: StartPosition;
}

/**
 * Keeps one receiver's position in each stream of a subscription, by the rules of docs/protocol.md. It does not decide
 * whether an old message is a repeat or shows a reset: the callers know what came on which connection.
 */
export class StreamPositions {
  readonly #isLatest: boolean;
  readonly #ids = new Map<StreamKey, string>();
  /** Ids that the service named and the receiver does not have yet. */
  readonly #targets = new Map<StreamKey, string>();
  /** Streams in which messages are known to be missing; they are requested. */
  readonly #missing = new Set<StreamKey>();
  /** Streams in which a message that the service named should have arrived by now. */
  readonly #overdue = new Set<StreamKey>();
  /** Those of the missing ones that were reset: the receiver ignores their messages until the service has replied. */
  readonly #suspended = new Set<StreamKey>();
  /** Streams with a gap that was reported: their next newer message is applied whatever its `prev` is. */
  readonly #reportedGaps = new Set<StreamKey>();
  #wantsAll: boolean;
  #isStarted = false;

  constructor({ isLatest, only, lastId }: StreamPositionsOptions) {
    this.#isLatest = isLatest;
    this.#wantsAll = lastId === FIRST_ID;
    if (typeof lastId === "object") for (const [key, id] of Object.entries(lastId)) this.#ids.set(key, id);
    else if (lastId !== undefined && only) this.#ids.set(only.key, lastId);
  }

  /** The last id of every stream in which the receiver has a position. */
  get ids(): StreamIds {
    return this.#ids;
  }

  /** True if the application asked for everything that every stream holds, and no reply has arrived yet. */
  get wantsAll(): boolean {
    return this.#wantsAll;
  }

  /** True if the receiver has everything that the last reply named. */
  get isCaughtUp(): boolean {
    return this.#isStarted && this.#targets.size === 0 && this.#missing.size === 0;
  }

  /** True if messages are known to be missing, or no reply has arrived yet. */
  get isIncomplete(): boolean {
    return !this.#isStarted || this.#missing.size > 0 || this.#overdue.size > 0;
  }

  /** The streams in which the receiver is behind. */
  get behind(): Iterable<StreamKey> {
    return this.#targets.keys();
  }

  /** The streams in which messages are known to be missing. */
  get missing(): Iterable<StreamKey> {
    return this.#missing;
  }

  /** Starts at the positions of another receiver of the same streams, without a request. */
  startAt(heads: StreamIds): void {
    for (const [key, id] of heads) this.#ids.set(key, id);
    this.#isStarted = true;
  }

  /** Classifies a message, and moves the position to it where it is to be applied. */
  take(key: StreamKey, { id, prev }: { readonly id: string; readonly prev: string }): Step {
    const position = this.#idOf(key);
    if (position === undefined || this.#suspended.has(key)) return "ignore";
    if (compareIds(id, position) <= 0) return "old";
    if (prev !== position && !this.#isLatest && !this.#reportedGaps.has(key)) {
      this.miss(key);
      return "hole";
    }
    this.#reportedGaps.delete(key);
    return this.move(key, id);
  }

  /** Moves the position to a value that may have an older id, because views of one stream count their own ids. */
  move(key: StreamKey, id: string): Step {
    if (this.#suspended.has(key)) return "ignore";
    this.#ids.set(key, id);
    // Where only the newest value counts, nothing before it is missing.
    if (this.#isLatest) this.#missing.delete(key);
    const target = this.#targets.get(key);
    if (target !== undefined && compareIds(id, target) >= 0) {
      this.#targets.delete(key);
      this.#overdue.delete(key);
    }
    return "apply";
  }

  /** Applies a reply. Returns the id after which messages are lost for good, if there are any. */
  applyReply(reply: StreamReply): string | undefined {
    const { key, id, requestedId, isLost, mayLower = true } = reply;
    const position = this.#idOf(key);
    if (position === undefined) {
      this.#ids.set(key, id);
      return undefined;
    }
    const isReset = mayLower && compareIds(id, position) < 0 && (isLost || this.#suspended.has(key));
    const isGap = !this.#isLatest && (isReset || (isLost && (requestedId ?? FIRST_ID) === position));
    if (isGap) this.#reportedGaps.add(key);
    // On a `latest` channel the current value replaces the one that the service no longer has.
    if (isReset) this.#ids.set(key, this.#isLatest ? FIRST_ID : id);
    if (requestedId !== undefined || this.#isLatest) {
      this.#missing.delete(key);
      this.#suspended.delete(key);
    }
    this.#targets.delete(key);
    this.#overdue.delete(key);
    this.expect(reply);
    return isGap && position !== FIRST_ID ? position : undefined;
  }

  /** Marks a stream in which messages are missing, until the service has replied. */
  miss(key: StreamKey): void {
    this.#missing.add(key);
  }

  /** Ignores a stream's messages until the service has said where it is now. Does nothing before the first reply. */
  suspend(key: StreamKey): void {
    if (this.#idOf(key) === undefined) return;
    this.#suspended.add(key);
    this.miss(key);
  }

  /** Returns whether a stream waits for the service to say where it is. */
  isSuspended(key: StreamKey): boolean {
    return this.#suspended.has(key);
  }

  /** Expects messages up to a position that the service named. Returns whether the receiver is behind it. */
  expect(named: StreamPosition): boolean {
    if (this.compare(named) <= 0) return false;
    this.#targets.set(named.key, named.id);
    return true;
  }

  /** Marks the streams in which the receiver is behind as incomplete: the messages should have arrived by now. */
  markOverdue(): void {
    for (const key of this.#targets.keys()) this.#overdue.add(key);
  }

  /** Completes the reply: streams that appear from now on are new. */
  start(): void {
    this.#isStarted = true;
    this.#wantsAll = false;
  }

  /** Forgets everything, because the streams now belong to another user. */
  reset(): void {
    for (const map of [this.#ids, this.#targets]) map.clear();
    for (const set of [this.#missing, this.#overdue, this.#suspended, this.#reportedGaps]) set.clear();
    this.#isStarted = false;
    this.#wantsAll = false;
  }

  /** Compares a position that the service named with the own one: above 0 if the receiver is behind, 0 if unknown. */
  compare({ key, id }: StreamPosition): number {
    const position = this.#idOf(key);
    return position === undefined ? 0 : compareIds(id, position);
  }

  /** Returns the position in a stream; undefined if there is none and the next reply sets it. */
  #idOf(key: StreamKey): string | undefined {
    const isOpen = this.#isLatest || this.#isStarted || this.#wantsAll;
    return this.#ids.get(key) ?? (isOpen ? FIRST_ID : undefined);
  }
}
