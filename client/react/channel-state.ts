import type { Channel, ChannelError, Gap, Message, SubscriptionStatus } from "../index.ts";

/** A gap, and when the service reported it. */
export interface DeclaredGap extends Gap {
  /** In ms since 1970. */
  readonly at: number;
}

/** Tells a component how current the data that it shows is. */
export interface Freshness {
  readonly status: SubscriptionStatus;
  /**
   * The time, in ms since 1970, since which the status has been `live`, or has not been. It stays the same from `stale` to
   * `resuming`, so that it always says how old the data may be. Undefined before there is a subscription.
   */
  readonly since: number | undefined;
  /** The reason while the status is `error`. */
  readonly error: ChannelError | undefined;
  /** The newest of `gaps`. */
  readonly gap: DeclaredGap | undefined;
  /**
   * Messages that are lost for good: the newest gap of each stream, the newest last. They stay, whatever the status is,
   * until `acknowledgeGaps`, or until the component subscribes to another channel, market or user.
   */
  readonly gaps: readonly DeclaredGap[];
  /** Removes the gaps, once the missing data was loaded from the source. The same function in every state. */
  readonly acknowledgeGaps: () => void;
}

/** The state of a channel in a component. Immutable; a new object for each frame in which something changed. */
export interface ChannelState<C extends Channel = Channel> extends Freshness {
  /** The newest message of any market. */
  readonly latest: Message<C> | undefined;
  /** The newest message of each market, on a channel that is split by market. */
  readonly byMarket: ReadonlyMap<string, Message<C>>;
  /** The newest messages, at most `keep`, the oldest first. */
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

/** Returns the state before anything arrived, which a server renders. Always the same object. */
export const emptyState = <C extends Channel>(): ChannelState<C> => EMPTY;
