import { compareIds, FIRST_ID } from "../../contract/ids.ts";
import type { StartPosition, StreamKey } from "./topic.ts";

/**
 * What a message is to a receiver: the next one, one that is not newer than its position, one that shows that something
 * before it is missing, or none of its business for now.
 */
export type Step = "apply" | "old" | "hole" | "ignore";

export interface TrackOptions {
  /** Whether only the newest value of a stream counts. */
  readonly isLatest: boolean;
  /** Names the stream where the subscription has only one; absent on a whole channel that is split by market. */
  readonly only?: { readonly key: StreamKey } | undefined;
  /** What the application has already: the last id by market, or one id for every stream. */
  readonly lastId?: StartPosition;
}

/** Where the answer to a request put a stream. */
export interface Settlement {
  /** The stream's current id, by the answer. */
  readonly id: string;
  /** The last id that the request named, if any. */
  readonly asked: string | undefined;
  /** Whether the service no longer holds what came after `asked`. */
  readonly isLost: boolean;
  /** Whether an id below the position shows that the stream was reset. @default true */
  readonly mayLower?: boolean;
}

/**
 * Keeps how far one receiver has each stream of a subscription, by the rules of docs/protocol.md. Whether a message that
 * is not newer is a repeat or shows a reset is for others to say: they know what came on which connection.
 */
export class Track {
  readonly #isLatest: boolean;
  readonly #positions = new Map<StreamKey, string>();
  /** Ids that the service said it has and the receiver does not yet. */
  readonly #targets = new Map<StreamKey, string>();
  /** Streams of which something is known to be missing; what is missing is asked for. */
  readonly #missing = new Set<StreamKey>();
  /** Streams of which something that the service named is not here although it should be by now. */
  readonly #overdue = new Set<StreamKey>();
  /** Those of the missing ones that were reset: nothing of theirs is shown until the service has answered. */
  readonly #suspended = new Set<StreamKey>();
  /** Streams whose next newer message is taken whatever came before it: the service said that something is lost. */
  readonly #told = new Set<StreamKey>();
  #wantsAll: boolean;
  #isStarted = false;

  constructor({ isLatest, only, lastId }: TrackOptions) {
    this.#isLatest = isLatest;
    this.#wantsAll = lastId === FIRST_ID;
    if (typeof lastId === "object") for (const [key, id] of Object.entries(lastId)) this.#positions.set(key, id);
    else if (lastId !== undefined && only) this.#positions.set(only.key, lastId);
  }

  /** The last id of every stream that the receiver has something of. */
  get positions(): ReadonlyMap<StreamKey, string> {
    return this.#positions;
  }

  /** Whether everything that any stream holds is to be delivered, and no answer has come yet. */
  get wantsAll(): boolean {
    return this.#wantsAll;
  }

  /** Whether the receiver has everything that the last answer named. */
  get isLevel(): boolean {
    return this.#isStarted && this.#targets.size === 0 && this.#missing.size === 0;
  }

  /** Whether something is known to be missing, or nothing is known yet. */
  get isIncomplete(): boolean {
    return !this.#isStarted || this.#missing.size > 0 || this.#overdue.size > 0;
  }

  /** The streams that the receiver is behind on. */
  get behind(): Iterable<StreamKey> {
    return this.#targets.keys();
  }

  /** The streams of which something is known to be missing. */
  get missing(): Iterable<StreamKey> {
    return this.#missing;
  }

  /** Starts from where another receiver of the same streams is, without any request. */
  startAt(heads: ReadonlyMap<StreamKey, string>): void {
    for (const [key, id] of heads) this.#positions.set(key, id);
    this.#isStarted = true;
  }

  /** Decides on a message, and moves to it where it is to be applied. */
  take(key: StreamKey, { id, prev }: { readonly id: string; readonly prev: string }): Step {
    const position = this.#positionOf(key);
    if (position === undefined || this.#suspended.has(key)) return "ignore";
    if (compareIds(id, position) <= 0) return "old";
    if (prev !== position && !this.#isLatest && !this.#told.has(key)) {
      this.#missing.add(key);
      return "hole";
    }
    this.#told.delete(key);
    this.#positions.set(key, id);
    const target = this.#targets.get(key);
    if (target !== undefined && compareIds(id, target) >= 0) {
      this.#targets.delete(key);
      this.#overdue.delete(key);
    }
    return "apply";
  }

  /** Takes what an answer says of one stream. Returns the id after which something is lost for good, if it is. */
  settle(key: StreamKey, settlement: Settlement): string | undefined {
    const { id, asked, isLost, mayLower = true } = settlement;
    const position = this.#positionOf(key);
    if (position === undefined) {
      this.#positions.set(key, id);
      return undefined;
    }
    const isReset = mayLower && compareIds(id, position) < 0 && (isLost || this.#suspended.has(key));
    const isTold = !this.#isLatest && (isReset || (isLost && (asked ?? FIRST_ID) === position));
    if (isTold) this.#told.add(key);
    // On a `latest` channel what the service has now takes the place of the value that it no longer knows.
    if (isReset) this.#positions.set(key, this.#isLatest ? FIRST_ID : id);
    if (asked !== undefined || this.#isLatest) {
      this.#missing.delete(key);
      this.#suspended.delete(key);
    }
    this.#targets.delete(key);
    this.#overdue.delete(key);
    this.expect(key, id);
    return isTold && position !== FIRST_ID ? position : undefined;
  }

  /** Shows nothing of a stream until the service has said where it is now. Does nothing before the first answer. */
  suspend(key: StreamKey): void {
    if (this.#positionOf(key) === undefined) return;
    this.#suspended.add(key);
    this.#missing.add(key);
  }

  /** Whether a stream waits for the service to say where it is. */
  isSuspended(key: StreamKey): boolean {
    return this.#suspended.has(key);
  }

  /** Notes an id that the service said it has. Returns whether the receiver does not have it yet. */
  expect(key: StreamKey, id: string): boolean {
    if (this.compare(key, id) <= 0) return false;
    this.#targets.set(key, id);
    return true;
  }

  /** Counts the streams that the receiver is behind on as incomplete: what was on its way should have come by now. */
  markOverdue(): void {
    for (const key of this.#targets.keys()) this.#overdue.add(key);
  }

  /** Ends the answer: streams that appear from now on are new. */
  start(): void {
    this.#isStarted = true;
    this.#wantsAll = false;
  }

  /** Forgets everything: the streams are now another user's. */
  reset(): void {
    for (const map of [this.#positions, this.#targets]) map.clear();
    for (const set of [this.#missing, this.#overdue, this.#suspended, this.#told]) set.clear();
    this.#isStarted = false;
    this.#wantsAll = false;
  }

  /** Compares an id that the service named with the position: above 0 where the receiver is behind, 0 where unknown. */
  compare(key: StreamKey, id: string): number {
    const position = this.#positionOf(key);
    return position === undefined ? 0 : compareIds(id, position);
  }

  /** The position in a stream that nothing has come of is undefined where the next answer sets it. */
  #positionOf(key: StreamKey): string | undefined {
    const isOpen = this.#isLatest || this.#isStarted || this.#wantsAll;
    return this.#positions.get(key) ?? (isOpen ? FIRST_ID : undefined);
  }
}
