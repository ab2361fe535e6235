import type { RequestedIds, StreamPosition } from "../positions/stream-position.ts";

/** The request of a reply, and the rules to apply it by. */
export interface ReplyOptions {
  readonly requested: RequestedIds;
  /** True if an id below a receiver's position shows a reset. */
  readonly mayLower: boolean;
  /** Called with each stream that the service replays, and the last id of the replay. */
  readonly onReplay: (end: StreamPosition) => void;
}
