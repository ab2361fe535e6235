import { channelDefinition } from "../../contract/channels.ts";
import type { DataMessage } from "../../contract/frames.ts";
import { compareIds, FIRST_ID } from "../../contract/stream.ts";
import type { DrillStream } from "./messages.ts";

/** What a client does with a message: hand it to the application, drop it as known, or ask for what is missing. */
export type Step = "apply" | "drop" | "hole";

/**
 * How far a client has one stream, and the whole rule of `id` and `prev`: what is not newer than the last id is dropped;
 * what does not follow the last id shows a hole. On `latest` streams the newest value is all that counts.
 */
export class Position {
  readonly stream: DrillStream;
  readonly isLatest: boolean;
  /** Undefined on a `latest` stream of which nothing has come yet. */
  lastId: string | undefined;
  /** Whether the server said that something is lost here: the next newer message is taken whatever came before it. */
  #isTold = false;

  constructor(stream: DrillStream, lastId?: string) {
    this.stream = stream;
    this.isLatest = channelDefinition(stream.channel).delivery === "latest";
    this.lastId = lastId;
  }

  /** Decides on a message, and goes on to it where it is to be applied. */
  take({ id, prev }: Pick<DataMessage, "id" | "prev">): Step {
    if (this.lastId !== undefined && compareIds(id, this.lastId) <= 0) return "drop";
    if (!this.isLatest && !this.#isTold && prev !== (this.lastId ?? FIRST_ID)) return "hole";
    this.lastId = id;
    this.#isTold = false;
    return "apply";
  }

  /** Takes note that the server cannot give all that came after `lastId`; `id` is where the stream is now. */
  accept(id: string): void {
    this.#isTold = true;
    // Redis has lost the entry that this client had: the stream goes on from an older one.
    if (this.lastId !== undefined && compareIds(id, this.lastId) < 0) this.lastId = id;
  }
}
