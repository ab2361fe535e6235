import { useEffect } from "react";
import type { Message, RealtimeClient, SubscribeOptions } from "../../../client/index.ts";
import type { Channel } from "../../../contract/channels.ts";
import { FIRST_ID } from "../../../contract/wire.ts";
import { usePage } from "./page-context.ts";
import type { StreamMonitor } from "./stream-monitor.ts";

/** Channels of the user who is signed in. */
const USER_CHANNELS = ["user:orders", "user:notifications", "user:portfolio", "user:copy-trade"] as const;

interface Recorded {
  readonly client: RealtimeClient | null;
  readonly user: string | null;
  readonly marketId: string | null;
}

interface Watched<C extends Channel> {
  readonly client: RealtimeClient | null;
  readonly monitor: StreamMonitor;
  readonly channel: C;
  readonly options?: Omit<SubscribeOptions<C>, "onMessage">;
  readonly onMessage?: (message: Message<C>) => void;
}

/** Counts what one subscription brings. Returns the end of it. */
function watch<C extends Channel>({ client, monitor, channel, options, onMessage }: Watched<C>): () => void {
  if (!client) return () => undefined;
  const count = monitor.watch(channel);
  const subscription = client.subscribe(channel, {
    ...options,
    onMessage(message) {
      count(message);
      onMessage?.(message);
    },
    onStatus: (status) => monitor.setStatus(channel, status),
  });
  return () => {
    subscription.close();
    monitor.setStatus(channel, "off");
  };
}

/**
 * Counts every message that the page's subscriptions bring, and keeps the prices. Subscriptions are shared: nothing
 * comes over the connection twice because of it.
 */
export function useRecording({ client, user, marketId }: Recorded): void {
  const { monitor, history } = usePage();

  useEffect(() => watch({ client, monitor, channel: "monitor:signals" }), [client, monitor]);

  useEffect(
    () =>
      watch({
        client,
        monitor,
        channel: "market:prices",
        onMessage: ({ data }) => history.add(data.marketId, data.time, Number(data.yes) * 100),
      }),
    [client, monitor, history],
  );

  useEffect(() => {
    if (user === null) return undefined;
    const ends = USER_CHANNELS.map((channel) => watch({ client, monitor, channel }));
    return () => {
      for (const end of ends) end();
    };
  }, [client, monitor, user]);

  useEffect(() => {
    if (marketId === null) return undefined;
    const ends = [
      watch({ client, monitor, channel: "market:orderbook", options: { marketId } }),
      watch({
        client,
        monitor,
        channel: "market:trades",
        options: { marketId, lastId: FIRST_ID },
        onMessage({ data: { outcome, price, time } }) {
          const yes = outcome === "yes" ? Number(price) : 1 - Number(price);
          history.fill(marketId, time, yes * 100);
        },
      }),
    ];
    return () => {
      for (const end of ends) end();
    };
  }, [client, monitor, history, marketId]);
}
