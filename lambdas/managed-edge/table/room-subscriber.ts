import type { Topic } from "../../../contract/stream.ts";
import type { StartFields } from "./start-fields.ts";

/** One connection of API Gateway. */
export interface ConnectionKey {
  readonly id: string;
  /** In ms since 1970, by API Gateway's clock. */
  readonly connectedAt: number;
}

/** One connection in one room. */
export interface Listener {
  readonly connection: ConnectionKey;
  /** The room. */
  readonly stream: Topic;
  /** False while it is catching up. */
  readonly isLive: boolean;
  /** From where on it gets messages, once it is live. */
  readonly start: StartFields;
  /** Fan-outs that passed it by while it was catching up. */
  readonly skips: number;
  /** Of a whole channel: the keys of the streams whose fan-outs passed it by. Undefined where they were too many to note. */
  readonly passedBy?: readonly string[] | undefined;
  /** Which `subscribe` wrote it. */
  readonly attempt: string;
  /** When that was, in ms since 1970. */
  readonly since: number;
  /** Until when it may listen, in ms since 1970; on a private channel, the end of the token. */
  readonly validUntil?: number | undefined;
}
