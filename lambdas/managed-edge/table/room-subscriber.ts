import type { Topic } from "../../../contract/stream.ts";
import type { StateView } from "../../../kernel/protocol/state-recovery.ts";
import type { StartFields } from "./start-fields.ts";

/** One connection of API Gateway. */
export interface ConnectionKey {
  readonly id: string;
  /** In ms since 1970, by API Gateway's clock. */
  readonly connectedAt: number;
}

/** One connection in the room of one topic. */
export interface RoomSubscriber {
  readonly connection: ConnectionKey;
  readonly topic: Topic;
  /** False while it is catching up: its `subscribe` still delivers snapshot or history. */
  readonly isLive: boolean;
  /** From which id on it gets messages, once it is live. */
  readonly start: StartFields;
  /** Number of fan-outs that skipped it while it was catching up. */
  readonly skippedFanOuts: number;
  /** Of a whole channel: the keys of the streams that those fan-outs were of. Undefined where they were too many to keep. */
  readonly skippedKeys?: readonly string[] | undefined;
  /** Identifies the `subscribe` that wrote it. */
  readonly attempt: string;
  /** The time of that `subscribe`, in ms since 1970. */
  readonly since: number;
  /** Until when it may be subscribed, in ms since 1970: on a private channel, the end of the token. */
  readonly validUntil?: number | undefined;
  /** How it gets a state channel. */
  readonly view: StateView;
}
