import "../support/dom.ts";
import { act, cleanup, render, renderHook, screen, waitFor } from "@testing-library/react";
import { RealtimeClient } from "@vezta/realtime-client";
import {
  notificationsAtom,
  ordersAtom,
  RealtimeProvider,
  type RealtimeProviderProps,
  signalsAtom,
  useChannel,
  useMarketSubscription,
  useRealtimeClient,
  wsStatusAtom,
} from "@vezta/realtime-client/react";
import { createStore, Provider, useAtomValue } from "jotai";
import { createElement, type ReactNode, StrictMode, Suspense, use } from "react";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { message, messages } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
});
afterEach(cleanup);
afterAll(() => platform.stop());

type Props = Partial<RealtimeProviderProps>;

/** Returns a wrapper with a provider in StrictMode and its own Jotai store. */
function setUp(initial: Props) {
  const store = createStore();
  let props = initial;
  const wrapper = ({ children }: { readonly children?: ReactNode }) => {
    const token = (): Promise<string> => platform.issuer.sign({ sub: String(props.user) });
    const options = { url: String(platform.gateways[0]?.url), token, backoff: { minimumMs: 20, maximumMs: 100 } };
    const provider = createElement(RealtimeProvider, { ...options, ...props }, children);
    return createElement(StrictMode, null, createElement(Provider, { store }, provider));
  };
  return {
    store,
    wrapper,
    change: (changed: Props) => {
      props = { ...props, ...changed };
    },
  };
}

const connections = () => platform.gateways[0]?.metric("rt_connections");
const patience = { timeout: 60_000 };

let renders = 0;

function useThree() {
  renders += 1;
  const first = useChannel("market:trades", { marketId: "frame-a" });
  const second = useChannel("market:trades", { marketId: "frame-b" });
  const third = useChannel("market:trades", { marketId: "frame-c" });
  return [first, second, third];
}

/** Suspends until `loading` resolves. */
function Price({ loading }: { readonly loading: Promise<string> }) {
  const name = use(loading);
  const { latest } = useChannel("market:prices", { marketId: "suspended" });
  return createElement("p", null, `${name} ${latest?.data.yes}`);
}

describe("useChannel", () => {
  it("returns messages in order, the newest of each market, and the status", async () => {
    const { wrapper } = setUp({ anonymous: true });
    const { result } = renderHook(() => useChannel("market:trades", { keep: 3 }), { wrapper });
    expect(result.current.status).toBe("subscribing");
    await waitFor(() => expect(result.current.status).toBe("live"), patience);
    const first = await platform.publish(messages("market:trades", "react-a", 4));
    const second = await platform.publish(messages("market:trades", "react-b", 2));
    await waitFor(() => expect(result.current.latest?.id).toBe(second[1]), patience);
    expect(result.current.messages.map(({ id }) => id)).toEqual([first[3], ...second]);
    expect([...result.current.byMarket].map(([marketId, { id }]) => [marketId, id])).toEqual([
      ["react-a", first[3]],
      ["react-b", second[1]],
    ]);
  });

  it("renders once for all messages of a frame, over all components", async () => {
    const { wrapper } = setUp({ anonymous: true });
    renders = 0;
    const { result } = renderHook(useThree, { wrapper });
    await waitFor(() => expect(result.current.every(({ status }) => status === "live")).toBe(true), patience);
    const frames: (() => void)[] = [];
    vi.stubGlobal("requestAnimationFrame", (callback: () => void) => frames.push(callback));
    const before = renders;
    const watched = vi.fn();
    const client = new RealtimeClient({ url: String(platform.gateways[0]?.url) });
    for (const marketId of ["frame-a", "frame-b", "frame-c"]) {
      client.subscribe("market:trades", { marketId, lastId: "0-0", onMessage: watched });
      await platform.publish(messages("market:trades", marketId, 20));
    }
    await waitFor(() => expect(watched).toHaveBeenCalledTimes(60), patience);
    await waitFor(() => expect(frames).toHaveLength(1), patience);
    await expect.poll(() => renders).toBe(before);
    act(() => frames[0]?.());
    await waitFor(() => expect(result.current.map((state) => state.messages.length)).toEqual([20, 20, 20]), patience);
    // StrictMode renders everything twice.
    expect(renders - before).toBeLessThanOrEqual(2 * frames.length);
    vi.unstubAllGlobals();
    client.close();
  });

  it("returns the error of a refused channel, and the empty state while it is not enabled", async () => {
    const { wrapper } = setUp({ anonymous: true });
    const { result } = renderHook(
      () => ({ refused: useChannel("user:orders"), off: useChannel("market:prices", { enabled: false }) }),
      { wrapper },
    );
    await waitFor(() => expect(result.current.refused.error?.code).toBe("unauthorized"), patience);
    expect(result.current.refused.status).toBe("error");
    expect(result.current.off.status).toBe("subscribing");
  });

  it("subscribes anew for another market, and returns nothing of the previous one", async () => {
    const { wrapper } = setUp({ anonymous: true });
    const [a, b] = [message("market:prices", "switch-a", 1), message("market:prices", "switch-b", 1)];
    const ids = await platform.publish([a, b]);
    const { result, rerender } = renderHook(({ marketId }) => useChannel("market:prices", { marketId }), {
      wrapper,
      initialProps: { marketId: "switch-a" },
    });
    await waitFor(() => expect(result.current.latest?.id).toBe(ids[0]), patience);
    rerender({ marketId: "switch-b" });
    expect(result.current.latest).toBeUndefined();
    await waitFor(() => expect(result.current.latest?.id).toBe(ids[1]), patience);
  });

  it("works in a tree that suspends", async () => {
    const { wrapper } = setUp({ anonymous: true });
    const { promise: loading, resolve } = Promise.withResolvers<string>();
    const waiting = createElement("p", null, "waiting");
    await act(async () => {
      render(createElement(Suspense, { fallback: waiting }, createElement(Price, { loading })), { wrapper });
    });
    expect(screen.getByText("waiting")).toBeDefined();
    await platform.publish([message("market:prices", "suspended", 1)]);
    await act(async () => resolve("YES"));
    await waitFor(() => expect(screen.getByText(/^YES 0\.\d+$/)).toBeDefined(), patience);
  });
});

describe("useMarketSubscription", () => {
  it("has price, order book and trades of one market", async () => {
    const { wrapper } = setUp({ anonymous: true });
    const { result } = renderHook(() => useMarketSubscription("market"), { wrapper });
    await waitFor(() => expect(result.current.status).toBe("live"), patience);
    await platform.publish([message("market:prices", "market", 1), message("market:orderbook", "market", 1)]);
    await platform.publish(messages("market:trades", "market", 3));
    await waitFor(() => expect(result.current.trades).toHaveLength(3), patience);
    await waitFor(() => expect(result.current.price?.marketId).toBe("market"), patience);
    await waitFor(() => expect(result.current.orderBook?.yes.bids[0]?.price).toBeDefined(), patience);
  });
});

describe("RealtimeProvider", () => {
  it("connects only with a user, fills the global atoms, and empties them at the logout", async () => {
    const { wrapper, store, change } = setUp({ user: null, subscribeGlobally: true });
    const { rerender, result } = renderHook(() => [useRealtimeClient(), useAtomValue(wsStatusAtom)] as const, {
      wrapper,
    });
    expect(result.current).toEqual([null, "disconnected"]);
    expect(await connections()).toBe(0);
    change({ user: "global" });
    rerender();
    await waitFor(() => expect(store.get(ordersAtom).status).toBe("live"), patience);
    await waitFor(() => expect(store.get(signalsAtom).status).toBe("live"), patience);
    expect(await connections()).toBe(1);
    expect(result.current[1]).toBe("connected");
    const orders = await platform.publish(messages("user:orders", "global", 2));
    const notes = await platform.publish(messages("user:notifications", "global", 2));
    await waitFor(() => expect(store.get(ordersAtom).messages.map(({ id }) => id)).toEqual(orders), patience);
    await waitFor(() => expect(store.get(notificationsAtom).messages.map(({ id }) => id)).toEqual(notes), patience);
    change({ user: null });
    rerender();
    await expect.poll(connections).toBe(0);
    expect([store.get(ordersAtom).messages, store.get(wsStatusAtom)]).toEqual([[], "disconnected"]);
  });

  it("gives another user another connection, and no data of the first", async () => {
    const { wrapper, change } = setUp({ user: "one" });
    const { rerender, result } = renderHook(() => useChannel("user:orders"), { wrapper });
    await waitFor(() => expect(result.current.status).toBe("live"), patience);
    const mine = await platform.publish(messages("user:orders", "one", 2));
    await waitFor(() => expect(result.current.messages.map(({ id }) => id)).toEqual(mine), patience);
    change({ user: "two" });
    rerender();
    expect(result.current.messages).toEqual([]);
    await waitFor(() => expect(result.current.status).toBe("live"), patience);
    await platform.publish(messages("user:orders", "one", 2, 3));
    const theirs = await platform.publish(messages("user:orders", "two", 2));
    await waitFor(() => expect(result.current.messages.map(({ id }) => id)).toEqual(theirs), patience);
  });
});
