import "../support/dom.ts";
import { cleanup, render, renderHook, waitFor } from "@testing-library/react";
import type { RealtimeClient } from "@vezta/realtime-client";
import {
  ordersAtom,
  RealtimeProvider,
  type RealtimeProviderProps,
  signalsAtom,
  useChannel,
  useMarketSubscription,
  useRealtimeClient,
} from "@vezta/realtime-client/react";
import { createStore, Provider } from "jotai";
import { Activity, createElement, type ReactNode } from "react";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { channels } from "../../contract/channels.ts";
import { message, messages, timeOf } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
});
afterEach(cleanup);
afterAll(() => platform.stop());

const patience = { timeout: 60_000 };

/** Returns a wrapper with a provider, and the client that the provider created. */
function setUp(props: Partial<RealtimeProviderProps> = {}) {
  const store = createStore();
  let made: RealtimeClient | undefined;
  const onClient = (client: RealtimeClient) => {
    made = client;
    return () => undefined;
  };
  const wrapper = ({ children }: { readonly children?: ReactNode }) => {
    const token = (): Promise<string> => platform.issuer.sign({ sub: String(props.user) });
    const options = { url: String(platform.gateways[0]?.url), token, backoff: { minimumMs: 20, maximumMs: 100 } };
    const provider = createElement(RealtimeProvider, { ...options, anonymous: true, onClient, ...props }, children);
    return createElement(Provider, { store }, provider);
  };
  const client = (): RealtimeClient => {
    if (!made) throw new Error("the provider has not created a client yet");
    return made;
  };
  return { store, wrapper, client };
}

/** Records the status and the number of messages at each render. */
function HiddenTrades({ seen }: { readonly seen: string[] }) {
  const { status, messages: shown } = useChannel("market:trades", { marketId: "hidden" });
  seen.push(`${status} ${shown.length}`);
  return null;
}

/** Prepares a gap: `strike` publishes more than the service holds of a stream while the client is paused. */
async function loseSome(client: RealtimeClient, channel: "market:trades" | "monitor:signals", key?: string) {
  const { entries } = channels[channel].history;
  const known = (await platform.publish(messages(channel, key, 2))).at(-1);
  return {
    known,
    strike: async () => {
      client.pause();
      await platform.publish(messages(channel, key, entries + 150, 3));
      client.resume();
    },
  };
}

describe("a gap that the service reports", () => {
  it("stays in the state of the channel until it is acknowledged, although the status is live", async () => {
    const { wrapper, client } = setUp();
    const { result } = renderHook(() => useChannel("market:trades", { marketId: "gap", keep: 5 }), { wrapper });
    await waitFor(() => expect(result.current.status).toBe("live"), patience);
    const { known, strike } = await loseSome(client(), "market:trades", "gap");
    await waitFor(() => expect(result.current.latest?.id).toBe(known), patience);
    expect([result.current.gap, result.current.gaps]).toEqual([undefined, []]);

    const before = Date.now();
    await strike();

    const gap = { channel: "market:trades", marketId: "gap", after: known, at: expect.any(Number) };
    await waitFor(() => expect(result.current.gap).toEqual(gap), patience);
    await waitFor(() => expect(result.current.status).toBe("live"), patience);
    expect(result.current.gaps).toEqual([gap]);
    expect(result.current.gap?.at).toBeGreaterThanOrEqual(before);
    await platform.publish([message("market:trades", "gap", 9_000)]);
    await waitFor(() => expect(result.current.latest?.data.time).toBe(timeOf(9_000)), patience);
    expect(result.current.gap).toEqual(gap);

    result.current.acknowledgeGaps();
    await waitFor(() => expect(result.current.gap).toBeUndefined(), patience);
    expect(result.current.gaps).toEqual([]);
  });

  it("is reported for each market of a whole channel", async () => {
    const { wrapper, client } = setUp();
    const { result } = renderHook(() => useChannel("market:trades", { keep: 1 }), { wrapper });
    await waitFor(() => expect(result.current.status).toBe("live"), patience);
    const losses = await Promise.all(["gap-a", "gap-b"].map((key) => loseSome(client(), "market:trades", key)));
    await waitFor(() =>
      expect([...result.current.byMarket.keys()]).toEqual(expect.arrayContaining(["gap-a", "gap-b"])),
    );
    await Promise.all(losses.map(({ strike }) => strike()));
    const markets = () => result.current.gaps.map(({ marketId }) => marketId).sort();
    await waitFor(() => expect(markets()).toEqual(["gap-a", "gap-b"]), patience);
    expect(result.current.gap).toBe(result.current.gaps.at(-1));
  });

  it("is in the state of the market and in the atoms", async () => {
    const { wrapper, client, store } = setUp({ subscribeGlobally: true, user: "gap-atoms" });
    const { result } = renderHook(() => useMarketSubscription("gap-market"), { wrapper });
    await waitFor(() => expect(result.current.status).toBe("live"), patience);
    await waitFor(() => expect(store.get(signalsAtom).status).toBe("live"), patience);
    const trades = await loseSome(client(), "market:trades", "gap-market");
    const signals = await loseSome(client(), "monitor:signals");
    await waitFor(() => expect(result.current.trades).toHaveLength(2), patience);
    await waitFor(() => expect(store.get(signalsAtom).latest?.id).toBe(signals.known), patience);
    await Promise.all([trades.strike(), signals.strike()]);
    await waitFor(() => expect(result.current.gap?.after).toBe(trades.known), patience);
    await waitFor(() => expect(store.get(signalsAtom).gap?.after).toBe(signals.known), patience);
    expect([store.get(ordersAtom).status, store.get(ordersAtom).gap]).toEqual(["live", undefined]);
    result.current.acknowledgeGaps();
    store.get(signalsAtom).acknowledgeGaps();
    await waitFor(() => expect([result.current.gaps, store.get(signalsAtom).gaps]).toEqual([[], []]), patience);
  });
});

describe("since", () => {
  it("is the time since which the status is live or, through all other statuses, is not", async () => {
    const { wrapper, client } = setUp({ staleAfterMs: 1_500 });
    const start = Date.now();
    const { result } = renderHook(
      () => ({
        prices: useChannel("market:prices", { marketId: "since" }),
        market: useMarketSubscription("since"),
      }),
      { wrapper },
    );
    const statuses = () => [result.current.prices.status, result.current.market.status];
    const times = () => [result.current.prices.since, result.current.market.since].map(Number);
    await waitFor(() => expect(statuses()).toEqual(["live", "live"]), patience);
    const live = times();
    for (const time of live) expect(time).toBeGreaterThanOrEqual(start);

    const freeze = (signal: NodeJS.Signals) => platform.gateways[0]?.process.kill(signal);
    freeze("SIGSTOP");
    let lost: number[] = [];
    try {
      await waitFor(() => expect(statuses()).toEqual(["stale", "stale"]), patience);
      lost = times();
      for (const [index, time] of lost.entries()) expect(time).toBeGreaterThan(Number(live[index]));
      client().reconnect();
      await waitFor(() => expect(statuses()).toEqual(["resuming", "resuming"]), patience);
      expect(times()).toEqual(lost);
    } finally {
      freeze("SIGCONT");
    }

    await waitFor(() => expect(statuses()).toEqual(["live", "live"]), patience);
    for (const [index, time] of times().entries()) expect(time).toBeGreaterThan(Number(lost[index]));
  });

  it("is undefined while nothing is subscribed", () => {
    const { wrapper } = setUp();
    const { result } = renderHook(() => useChannel("market:prices", { enabled: false }), { wrapper });
    expect([result.current.status, result.current.since]).toEqual(["subscribing", undefined]);
  });
});

describe("a market's state", () => {
  it("has the error of the part that was refused", async () => {
    const { wrapper } = setUp();
    const { result } = renderHook(() => useMarketSubscription("x".repeat(500)), { wrapper });
    await waitFor(() => expect(result.current.error?.code).toBe("bad_request"), patience);
    expect(result.current.status).toBe("error");
  });

  it("is the same object until something changes", async () => {
    const { wrapper } = setUp();
    const { result, rerender } = renderHook(() => useMarketSubscription("same"), { wrapper });
    await waitFor(() => expect(result.current.status).toBe("live"), patience);
    const before = result.current;
    rerender();
    expect(result.current).toBe(before);
    await platform.publish([message("market:trades", "same", 1)]);
    await waitFor(() => expect(result.current.trades).toHaveLength(1), patience);
    expect(result.current).not.toBe(before);
    expect(result.current.orderBook).toBe(before.orderBook);
  });
});

describe("a whole channel", () => {
  it("starts at a map of ids by market, and keeps its subscription when an equal map is passed", async () => {
    const a = await platform.publish(messages("market:trades", "map-a", 4));
    const b = await platform.publish(messages("market:trades", "map-b", 4));
    const { wrapper } = setUp();
    let client: RealtimeClient | null = null;
    const { result, rerender } = renderHook(
      () => {
        client = useRealtimeClient();
        return useChannel("market:trades", { lastId: { "map-a": String(a[1]), "map-b": String(b[2]) } });
      },
      { wrapper },
    );
    const ids = () => result.current.messages.flatMap(({ id, marketId }) => (marketId?.startsWith("map-") ? id : []));
    await waitFor(() => expect(ids().sort()).toEqual([...a.slice(2), ...b.slice(3)].sort()), patience);
    await waitFor(() => expect(result.current.status).toBe("live"), patience);
    expect(client).not.toBeNull();
    const before = result.current;
    rerender();
    expect(result.current).toBe(before);
  });
});

describe("a component tree that is mounted again", () => {
  it("is not live before it has the messages that it missed", async () => {
    const { wrapper: Wrapper } = setUp();
    const seen: string[] = [];
    const trades = createElement(HiddenTrades, { seen });
    const tree = (mode: "visible" | "hidden") =>
      // biome-ignore lint/correctness/noChildrenProp: the type of Activity wants it there
      createElement(Wrapper, null, createElement(Activity, { mode, children: trades }));
    const { rerender } = render(tree("visible"));
    await waitFor(() => expect(seen.at(-1)).toBe("live 0"), patience);
    await platform.publish(messages("market:trades", "hidden", 2));
    await waitFor(() => expect(seen.at(-1)).toBe("live 2"), patience);
    const witness = await platform.connect();
    await witness.ask("subscribe", { channel: "market:trades", marketId: "hidden" });
    rerender(tree("hidden"));
    await platform.publish(messages("market:trades", "hidden", 3, 3));
    // From then on the gateway names them in its replies.
    await witness.waitForMessages("market:trades", 3);
    seen.length = 0;
    rerender(tree("visible"));
    await waitFor(() => expect(seen.at(-1)).toBe("live 5"), patience);
    expect(seen.filter((each) => each.startsWith("live") && each !== "live 5")).toEqual([]);
    expect(seen[0]).toBe("resuming 2");
  });
});
