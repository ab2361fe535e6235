import { compareIds, FIRST_ID } from "../contract/ids.ts";
import type { DataMessage } from "../contract/messages.ts";
import { countsNewestOnly, type DrillStream } from "./messages.ts";

/** Ids that a client remembers of a stream, to distinguish a repeated message from one after a reset. */
const REMEMBERED = 100;

/**
 * Action of a client on a message: hand it to the application, drop it as known, ask for what is missing, or ask where
 * the stream is because it was reset.
 */
export type Step = "apply" | "drop" | "hole" | "reset";

/**
 * Position of a client in one stream, and the whole rule of `id` and `prev`: a message that does not follow the last id
 * shows a hole; one that is not newer than the last id is dropped if it is remembered, and otherwise shows that Redis
 * has gone back. On `latest` streams only the newest value counts.
 */
export class Position {
  readonly stream: DrillStream;
  readonly isLatest: boolean;
  /** Undefined on a `latest` stream of which nothing has come yet. */
  lastId: string | undefined;
  readonly #remembered: string[] = [];
  /** True if the server said that something is lost here: the next newer message is taken whatever came before it. */
  #isTold = false;
  /** Id up to which the messages that are still held follow after that. */
  #heldUntil = FIRST_ID;
  /** Nothing is applied until the answer: the stream was reset. */
  #isMuted = false;

  constructor(stream: DrillStream, lastId?: string) {
    this.stream = stream;
    this.isLatest = countsNewestOnly(stream);
    this.lastId = lastId;
  }

  /** Decides on a message, and goes on to it where it is to be applied. */
  take({ id, prev }: Pick<DataMessage, "id" | "prev">): Step {
    if (this.#remembered.includes(id)) {
      this.lastId ??= id;
      return "drop";
    }
    if (this.#isMuted) return "drop";
    if (this.lastId !== undefined && compareIds(id, this.lastId) <= 0) return this.#takeOld(id);
    if (!this.isLatest && !this.#isTold && prev !== (this.lastId ?? FIRST_ID)) return "hole";
    this.lastId = id;
    this.#isTold = false;
    this.#remembered.push(id);
    if (this.#remembered.length > REMEMBERED) this.#remembered.shift();
    return "apply";
  }

  /** Reads where the stream is now from an answer. */
  answer(): void {
    this.#isMuted = false;
    this.#heldUntil = FIRST_ID;
  }

  /** Takes note that the server cannot give all that came after `lastId`; `id` is where the stream is now. */
  accept(id: string): void {
    this.#isTold = true;
    this.#heldUntil = id;
    // The value itself follows, with that id.
    if (this.isLatest) this.lastId = undefined;
    // Redis has lost the entry that this client had: the stream goes on from an older one.
    else if (this.lastId !== undefined && compareIds(id, this.lastId) < 0) this.lastId = id;
  }

  #takeOld(id: string): Step {
    if (compareIds(id, this.#heldUntil) <= 0) return "drop";
    this.#isMuted = true;
    return "reset";
  }
}
