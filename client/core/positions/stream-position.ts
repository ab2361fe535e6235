import type { FIRST_ID } from "../../../contract/ids.ts";
import type { StreamKey } from "../topics/topic.ts";

/** A position in one stream of a channel: the id of the last entry that somebody has, or is to have. */
export interface StreamPosition {
  readonly key: StreamKey;
  readonly id: string;
}

/** Positions in several streams of one channel. */
export type StreamIds = ReadonlyMap<StreamKey, string>;

/** The `lastId` of a request: one for every stream, by stream, or none. */
export type RequestedIds = typeof FIRST_ID | StreamIds | undefined;

/** The part of a reply to `subscribe` about one stream; `id` is its current id. */
export interface StreamReply extends StreamPosition {
  /** The last id that the request named, if any. */
  readonly requestedId: string | undefined;
  /** True if the service no longer holds what came after `requestedId`. */
  readonly isLost: boolean;
  /** True if an id below the position shows that the stream was reset. @default true */
  readonly mayLower?: boolean;
}
