import { compareIds, FIRST_ID } from "../../contract/wire.ts";

/** What to do with a message: hand it to the application, drop it as known, or ask for what is missing before it. */
export type Step = "apply" | "drop" | "hole";

export interface TrackOptions {
  /** Whether only the newest value of a stream counts. */
  readonly isLatest: boolean;
  /** What the application has already: the last id by stream, or one id for every stream. */
  readonly lastId?: string | Readonly<Record<string, string>> | undefined;
}

/** Where the answer to a request put a stream. */
export interface Settlement {
  /** The stream's current id, by the answer. */
  readonly id: string;
  /** The last id that the request named, if any. */
  readonly asked: string | undefined;
  /** Whether the service no longer holds what came after `asked`. */
  readonly isLost: boolean;
}

/**
 * How far one receiver has each stream of a subscription, and the whole rule of `id` and `prev`: what is not newer than
 * the last id is dropped, what does not follow it shows a hole. On `latest` streams only the order counts.
 */
export class Track {
  readonly #isLatest: boolean;
  readonly #positions: Map<string, string>;
  /** Ids that the service said it has and the receiver does not yet. */
  readonly #targets = new Map<string, string>();
  /** Streams whose next newer message is taken whatever came before it: the service said that something is lost. */
  readonly #told = new Set<string>();
  #wantsAll: boolean;
  #isStarted = false;

  constructor({ isLatest, lastId }: TrackOptions) {
    this.#isLatest = isLatest;
    this.#wantsAll = lastId === FIRST_ID;
    this.#positions = new Map(typeof lastId === "object" ? Object.entries(lastId) : []);
  }

  /** The last id of every stream that the receiver has something of. */
  get positions(): ReadonlyMap<string, string> {
    return this.#positions;
  }

  /** Whether everything that any stream holds is to be delivered, and no answer has come yet. */
  get wantsAll(): boolean {
    return this.#wantsAll;
  }

  /** Whether the receiver has everything that the last answer named. */
  get isLevel(): boolean {
    return this.#isStarted && this.#targets.size === 0;
  }

  /** The streams that the receiver is behind on. */
  get behind(): Iterable<string> {
    return this.#targets.keys();
  }

  /** Starts from where another receiver of the same streams is, without any request. */
  startAt(heads: ReadonlyMap<string, string>): void {
    for (const [key, id] of heads) this.#positions.set(key, id);
    this.#isStarted = true;
  }

  setPosition(key: string, id: string): void {
    this.#positions.set(key, id);
  }

  /** Decides on a message, and goes on to it where it is to be applied. */
  take(key: string, { id, prev }: { readonly id: string; readonly prev: string }): Step {
    const position = this.#positions.get(key) ?? this.#initial();
    if (position === undefined) return "drop";
    if (prev !== position) {
      if (compareIds(id, position) <= 0) return "drop";
      if (!this.#isLatest && !this.#told.has(key)) return "hole";
    }
    this.#told.delete(key);
    this.#positions.set(key, id);
    const target = this.#targets.get(key);
    if (target !== undefined && compareIds(id, target) >= 0) this.#targets.delete(key);
    return "apply";
  }

  /** Takes an answer's word on one stream. Returns the id after which something is lost for good, if it is. */
  settle(key: string, { id, asked, isLost }: Settlement): string | undefined {
    const position = this.#positions.get(key) ?? this.#initial();
    if (position === undefined) {
      this.#positions.set(key, id);
      return undefined;
    }
    const isTold = isLost && !this.#isLatest && (asked ?? FIRST_ID) === position;
    if (isTold) this.#told.add(key);
    const order = compareIds(id, position);
    // Redis has lost entries that this receiver had: the stream goes on from an older one.
    if (isLost && order < 0 && asked === position) this.#positions.set(key, this.#isLatest ? FIRST_ID : id);
    if (order > 0) this.#targets.set(key, id);
    else this.#targets.delete(key);
    return isTold && position !== FIRST_ID ? position : undefined;
  }

  /** All streams of the answer are settled: those that appear from now on are new. */
  start(): void {
    this.#isStarted = true;
    this.#wantsAll = false;
  }

  /** Forgets everything: the streams are now another user's. */
  reset(): void {
    this.#positions.clear();
    this.#targets.clear();
    this.#told.clear();
    this.#isStarted = false;
    this.#wantsAll = false;
  }

  /** Whether a heartbeat's id is one that the receiver does not have yet. */
  isBehind(key: string, id: string): boolean {
    const position = this.#positions.get(key) ?? this.#initial();
    return position !== undefined && id !== position && compareIds(id, position) > 0;
  }

  /** The position in a stream that nothing has come of: undefined where the next answer sets it. */
  #initial(): string | undefined {
    return this.#isLatest || this.#isStarted || this.#wantsAll ? FIRST_ID : undefined;
  }
}
