import { useAtomValue } from "jotai";
import { useEffect, useSyncExternalStore } from "react";
import type { Message, RealtimeClient, SubscribeOptions } from "../../../client/index.ts";
import type { Channel } from "../../../contract/channels.ts";
import { FIRST_ID } from "../../../contract/ids.ts";
import { type Feed, useFeed } from "./liveness.ts";
import { type PageContext, usePage } from "./page-context.ts";
import { bookDepthAtom } from "./session.ts";

/** Channels of the user who is signed in. */
const USER_CHANNELS = ["user:orders", "user:notifications", "user:portfolio", "user:copy-trade"] as const;

interface Recording {
  readonly client: RealtimeClient | null;
  readonly user: string | null;
  readonly marketId: string | null;
}

interface Watched<C extends Channel> {
  readonly client: RealtimeClient | null;
  readonly page: PageContext;
  readonly channel: C;
  readonly options?: Omit<SubscribeOptions<C>, "onMessage">;
  readonly onMessage?: (message: Message<C>) => void;
}

/** Counts what one subscription brings. Returns the end of it. */
function watch<C extends Channel>({ client, page, channel, options, onMessage }: Watched<C>): () => void {
  if (!client) return () => undefined;
  const recorder = page.monitor.record(channel);
  const subscription = client.subscribe(channel, {
    ...options,
    onMessage(message) {
      page.reachability.noteArrival();
      recorder.onMessage(message);
      onMessage?.(message);
    },
    onGap: (gap) => recorder.onGap(gap),
    onStatus(status) {
      if (status === "live") page.reachability.noteArrival();
      recorder.onStatus(status);
    },
  });
  return () => {
    subscription.close();
    recorder.onStatus("off");
  };
}

/**
 * Counts every message that the page's subscriptions bring, and keeps the prices. Subscriptions are shared: nothing
 * comes over the connection twice because of it.
 */
export function useRecording({ client, user, marketId }: Recording): void {
  const page = usePage();
  const depth = useAtomValue(bookDepthAtom);

  useEffect(() => watch({ client, page, channel: "monitor:signals" }), [client, page]);

  useEffect(
    () =>
      watch({
        client,
        page,
        channel: "market:prices",
        onMessage: ({ data }) => page.history.add(data.marketId, data.time, Number(data.yes) * 100),
      }),
    [client, page],
  );

  useEffect(() => {
    if (user === null) return undefined;
    const ends = USER_CHANNELS.map((channel) => watch({ client, page, channel }));
    return () => {
      for (const end of ends) end();
    };
  }, [client, page, user]);

  useEffect(() => {
    if (marketId === null) return undefined;
    return watch({
      client,
      page,
      channel: "market:trades",
      options: { marketId, lastId: FIRST_ID },
      onMessage({ data: { outcome, price, time } }) {
        const yes = outcome === "yes" ? Number(price) : 1 - Number(price);
        page.history.fill(marketId, time, yes * 100);
      },
    });
  }, [client, page, marketId]);

  useEffect(() => {
    if (marketId === null) return undefined;
    const options = { marketId, ...(depth === undefined ? {} : { depth }) };
    return watch({ client, page, channel: "market:orderbook", options });
  }, [client, page, marketId, depth]);
}

/** Judges what `useRecording` records of a channel. */
export function useRecordedFeed(name: string, channel: Channel): Feed {
  const { monitor } = usePage();
  const recorded = useSyncExternalStore(monitor.subscribe, () => monitor.recordedOf(channel));
  const status = recorded === undefined || recorded.status === "off" ? "subscribing" : recorded.status;
  return useFeed(name, { status, since: recorded?.since });
}
