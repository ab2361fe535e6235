export { notificationsAtom, ordersAtom, signalsAtom, wsStatusAtom } from "./atoms.ts";
export type { ChannelState, DeclaredGap, Freshness } from "./channel-state.ts";
export { RealtimeProvider, type RealtimeProviderProps } from "./realtime-provider.ts";
export { type UseChannelOptions, useChannel } from "./use-channel.ts";
export { type MarketState, useMarketSubscription } from "./use-market-subscription.ts";
export { useRealtimeClient } from "./use-realtime-client.ts";
