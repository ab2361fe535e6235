import type {
  Channel,
  ChannelError,
  Gap,
  Message,
  RealtimeClient,
  SubscribeOptions,
  Subscription,
  SubscriptionStatus,
} from "@vezta/realtime-client";

/** Records what the listeners of one subscription were called with. */
export interface Seen<C extends Channel> {
  readonly subscription: Subscription;
  readonly messages: Message<C>[];
  readonly statuses: SubscriptionStatus[];
  readonly errors: ChannelError[];
  readonly gaps: Gap[];
  readonly ids: () => string[];
}

/** The part of a `Seen` that does not depend on the channel. */
export type AnySeen = Pick<Seen<Channel>, "subscription">;

/** Subscribes, and records what the listeners are called with. */
export function watch<C extends Channel>(
  client: RealtimeClient,
  channel: C,
  options: Omit<SubscribeOptions<C>, "onMessage"> = {},
): Seen<C> {
  const seen = { messages: [] as Message<C>[], statuses: [] as SubscriptionStatus[], errors: [] as ChannelError[] };
  const gaps: Gap[] = [];
  const subscription = client.subscribe(channel, {
    ...options,
    onMessage: (each) => seen.messages.push(each),
    onStatus: (status) => seen.statuses.push(status),
    onError: (error) => seen.errors.push(error),
    onGap: (gap) => gaps.push(gap),
  });
  return { ...seen, subscription, gaps, ids: () => seen.messages.map(({ id }) => id) };
}
