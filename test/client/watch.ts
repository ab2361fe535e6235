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

/** What an application saw of one subscription. */
export interface Seen<C extends Channel> {
  readonly subscription: Subscription;
  readonly messages: Message<C>[];
  readonly statuses: SubscriptionStatus[];
  readonly errors: ChannelError[];
  readonly gaps: Gap[];
  readonly ids: () => string[];
}

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
