import { atom } from "jotai";
import type { Channel, ConnectionStatus } from "../index.ts";
import { type ChannelState, emptyState } from "./channel-state.ts";

/** The connection status of the `RealtimeProvider` in the same Jotai store. */
export const wsStatusAtom = atom<ConnectionStatus>("disconnected");

const channelStateAtom = <C extends Channel>() => atom<ChannelState<C>>(emptyState<C>());

/** `user:orders` of the signed-in user, while the provider has `subscribeGlobally`. */
export const ordersAtom = channelStateAtom<"user:orders">();

/** `user:notifications` of the signed-in user, while the provider has `subscribeGlobally`. */
export const notificationsAtom = channelStateAtom<"user:notifications">();

/** `monitor:signals`, while the provider has `subscribeGlobally`. */
export const signalsAtom = channelStateAtom<"monitor:signals">();
