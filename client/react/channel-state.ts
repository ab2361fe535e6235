import type { Channel, ChannelError, Gap, Message, SubscriptionStatus } from "../index.ts";

/** A gap, and when the service declared it. */
export interface DeclaredGap extends Gap {
  /** In ms since 1970. */
  readonly at: number;
}

/** How true what is shown of a subscription is at the moment. */
export interface Freshness {
  readonly status: SubscriptionStatus;
  /**
   * Since when it is `live`, or since when it is not, in ms since 1970: from `stale` to `resuming` it stays, so that it
   * always says how old the data may be. Undefined before there is a subscription.
   */
  readonly since: number | undefined;
  /** Why the status is `error`. */
  readonly error: ChannelError | undefined;
  /** The newest of `gaps`. */
  readonly gap: DeclaredGap | undefined;
  /**
   * Messages that are lost for good, the newest declaration of each stream, the newest last. They stay, whatever the
   * status is, until `acknowledgeGaps`, or until the component asks for another channel, market or user.
   */
  readonly gaps: readonly DeclaredGap[];
  /** Takes the gaps away, once what is missing was loaded from the source. The same function in every state. */
  readonly acknowledgeGaps: () => void;
}

/** What a component sees of a channel. A new object for each frame in which something changed, never changed itself. */
export interface ChannelState<C extends Channel = Channel> extends Freshness {
  /** The newest message of any market. */
  readonly latest: Message<C> | undefined;
  /** The newest message of each market, on a channel that is split by market. */
  readonly byMarket: ReadonlyMap<string, Message<C>>;
  /** The newest messages, the oldest first; at most `keep`. */
  readonly messages: readonly Message<C>[];
}

export const NO_GAPS: readonly DeclaredGap[] = [];

const EMPTY: ChannelState<never> = {
  latest: undefined,
  byMarket: new Map(),
  messages: [],
  status: "subscribing",
  since: undefined,
  error: undefined,
  gap: undefined,
  gaps: NO_GAPS,
  acknowledgeGaps: () => undefined,
};

/** Returns the state before anything came, the same object each time; a server renders it. */
export const emptyState = <C extends Channel>(): ChannelState<C> => EMPTY;
