import { describeSubscribed, type SubscribedPosition, toPart } from "../../../contract/answers.ts";
import type { RequestId } from "../../../contract/managed-edge.ts";
import type { SubscribeRequest } from "../../../contract/messages.ts";
import type { AnsweredMessages, Outbox } from "../posting/outbox.ts";

/** Size at which one part of an answer ends: bytes of its ids, and messages that go with it. */
const MAXIMUM_PART_BYTES = 30_000;
const MAXIMUM_PART_ENTRIES = 5_000;

/** A stream in an answer, with the messages that go with it. */
export type AnsweredStream = SubscribedPosition & AnsweredMessages;

export interface SubscribedPartsOptions {
  readonly request: SubscribeRequest;
  /** The request's id. */
  readonly id: RequestId | undefined;
  readonly outbox: Outbox;
}

/** Returns the bytes of a stream in an answer: its id in `ids` and, where it is not recovered, its name once more. */
function sizeOf({ stream: { key = "" }, id, recovered }: AnsweredStream): number {
  const bytes = Buffer.byteLength(JSON.stringify(key));
  return bytes + id.length + 4 + (recovered ? 0 : bytes + 1);
}

/** Puts the answer to a `subscribe` into the outbox, in parts of a limited size, each with the messages of its streams. */
export class SubscribedParts {
  readonly #options: SubscribedPartsOptions;
  #streams: AnsweredStream[] = [];
  #bytes: number;
  #count = 0;
  #isFirst = true;

  constructor(options: SubscribedPartsOptions) {
    this.#options = options;
    // The first part repeats the request's markets.
    this.#bytes = Buffer.byteLength(JSON.stringify(options.request.marketId ?? ""));
  }

  /** True where one more stream fits into the current part; always for the first one of a part. */
  fits(stream: AnsweredStream): boolean {
    return (
      this.#streams.length === 0 ||
      (this.#bytes + sizeOf(stream) <= MAXIMUM_PART_BYTES &&
        this.#count + stream.entries.length <= MAXIMUM_PART_ENTRIES)
    );
  }

  add(stream: AnsweredStream): void {
    this.#streams.push(stream);
    this.#bytes += sizeOf(stream);
    this.#count += stream.entries.length;
  }

  /** Puts the current part into the outbox, and begins the next one. */
  end({ isLast }: { readonly isLast: boolean }): void {
    const { request, id, outbox } = this.#options;
    const ignored = this.#isFirst && request.maxRate !== undefined ? { ignored: ["maxRate"] as const } : {};
    const answer = { ...describeSubscribed(request, this.#streams), ...ignored };
    outbox.add({ event: "subscribed", data: toPart(answer, { isFirst: this.#isFirst, isLast }), id });
    for (const stream of this.#streams) outbox.addMessages(stream);
    this.#isFirst = false;
    this.#streams = [];
    this.#bytes = 0;
    this.#count = 0;
  }
}
