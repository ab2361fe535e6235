export { notificationsAtom, ordersAtom, signalsAtom, wsStatusAtom } from "./atoms.ts";
export type { ChannelState, DeclaredGap, Freshness } from "./channel-state.ts";
export type { MarketState } from "./market-store.ts";
export { RealtimeProvider, type RealtimeProviderProps } from "./realtime-provider.ts";
export { type UseChannelOptions, useChannel } from "./use-channel.ts";
export { type UseMarketOptions, useMarketSubscription } from "./use-market-subscription.ts";
export { useRealtimeClient } from "./use-realtime-client.ts";
export type { Selection } from "./use-selected.ts";
