import type { useStore } from "jotai";
import type { Channel, RealtimeClient } from "../index.ts";
import { notificationsAtom, ordersAtom, signalsAtom } from "./atoms.ts";
import { emptyState } from "./channel-state.ts";
import { ChannelStore } from "./channel-store.ts";

/** Messages kept of each channel. */
const KEPT = 100;

type AtomStore = ReturnType<typeof useStore>;

interface GlobalSubscriptionsOptions {
  readonly client: RealtimeClient;
  readonly store: AtomStore;
  /** False without a user, who has no orders and notifications. */
  readonly hasUser: boolean;
}

/** Fills the atoms of the global subscriptions until the returned function is called, which empties them. */
export function subscribeGlobally({ client, store, hasUser }: GlobalSubscriptionsOptions): () => void {
  const follow = <C extends Channel>(channel: C, set: (state: ReturnType<typeof emptyState<C>>) => void) => {
    const states = new ChannelStore<C>({ client, channel, keep: KEPT });
    const stop = states.subscribe(() => set(states.getState()));
    return () => {
      stop();
      set(emptyState<C>());
    };
  };
  const stops = [follow("monitor:signals", (state) => store.set(signalsAtom, state))];
  if (hasUser) {
    stops.push(follow("user:orders", (state) => store.set(ordersAtom, state)));
    stops.push(follow("user:notifications", (state) => store.set(notificationsAtom, state)));
  }
  return () => {
    for (const stop of stops) stop();
  };
}
