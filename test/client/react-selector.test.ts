import "../support/dom.ts";
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import { RealtimeProvider, useChannel, useMarketSubscription } from "@vezta/realtime-client/react";
import { createStore, Provider } from "jotai";
import { createElement, type ReactNode } from "react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Depth } from "../../contract/limits.ts";
import { answerForBooks } from "./book-server.ts";
import { type FrameServer, startFrameServer } from "./frame-server.ts";
import { StateService } from "./state-service.ts";

const store = createStore();
let server: FrameServer;
let book: StateService;
beforeEach(async () => {
  book = new StateService("m1");
  server = await startFrameServer((peer, request) => answerForBooks([book], peer, request));
});
afterEach(async () => {
  cleanup();
  await server.stop();
});

function wrapper({ children }: { readonly children?: ReactNode }) {
  const provider = createElement(RealtimeProvider, { url: server.url, anonymous: true }, children);
  return createElement(Provider, { store }, provider);
}

/** Publishes one level, and waits until what the browser draws next has it. */
async function publish(rows: Parameters<StateService["publish"]>[0], depth?: Depth): Promise<void> {
  await act(async () => {
    book.publish(rows);
    server.peers[0]?.send("data", book.newest(depth));
    await new Promise((resolve) => setTimeout(resolve, 100));
  });
}

const subscribes = () => server.requestsOf("subscribe").map(({ data }) => data);

describe("a component that selects a part", () => {
  it("renders again only where useChannel's selector returns something else", async () => {
    let renders = 0;
    const use = () => {
      renders += 1;
      return useChannel("market:orderbook", {
        marketId: "m1",
        // Written into the call: another function in each render.
        selector: ({ latest }) => latest?.data.yes.bids,
      });
    };
    const { result } = renderHook(use, { wrapper });
    await waitFor(() => expect(result.current).toEqual(book.value.yes.bids));
    const before = { renders, bids: result.current };
    for (const size of ["1", "2", "3"]) await publish({ "yes.asks.0.7": size });
    expect({ renders, bids: result.current }).toEqual(before);
    await publish({ "yes.bids.0.3": "4" });
    expect(result.current).toEqual(book.value.yes.bids);
    expect([renders, result.current?.[0]]).toEqual([before.renders + 1, before.bids?.[0]]);
  });

  it("compares with isEqual, and keeps what it showed", async () => {
    const use = ({ factor }: { readonly factor: number }) =>
      useChannel("market:orderbook", {
        marketId: "m1",
        selector: ({ latest }) => ({ best: Number(latest?.data.yes.bids[0]?.price) * factor }),
        isEqual: (a, b) => a.best === b.best,
      });
    const { result, rerender } = renderHook(use, { wrapper, initialProps: { factor: 100 } });
    await waitFor(() => expect(result.current).toEqual({ best: 40 }));
    const before = result.current;
    await publish({ "yes.bids.0.2": "9" });
    rerender({ factor: 100 });
    expect(result.current).toBe(before);
    rerender({ factor: 10 });
    expect(result.current).toEqual({ best: 4 });
  });

  it("renders again only where useMarketSubscription's selector returns something else", async () => {
    let renders = 0;
    const use = () => {
      renders += 1;
      return useMarketSubscription("m1", {
        depth: 5,
        maxRate: 50,
        selector: ({ orderBook }) => orderBook?.yes.asks[0],
      });
    };
    const { result } = renderHook(use, { wrapper });
    await waitFor(() => expect(result.current).toEqual(book.value.yes.asks[0]));
    expect(subscribes()).toContainEqual({
      ...{ channel: "market:orderbook", marketId: "m1", changes: true },
      ...{ depth: 5, maxRate: 50 },
    });
    expect(subscribes()).toContainEqual({ channel: "market:trades", marketId: "m1" });
    const before = renders;
    await publish({ "yes.asks.0.9": "1" }, 5);
    expect(renders).toBe(before);
    await publish({ "yes.asks.0.5": "2" }, 5);
    expect([renders, result.current]).toEqual([before + 1, { price: "0.5", size: "2" }]);
  });

  it("asks again for another depth, and shows its levels", async () => {
    const use = ({ depth }: { readonly depth: Depth }) => useChannel("market:orderbook", { marketId: "m1", depth });
    const { result, rerender } = renderHook(use, { wrapper, initialProps: { depth: 1 as Depth } });
    await waitFor(() => expect(result.current.status).toBe("live"));
    book.publish({ "yes.bids.0.3": "4" });
    rerender({ depth: 5 });
    await waitFor(() => expect(result.current.latest?.data.yes.bids).toHaveLength(2));
    expect(subscribes().map(({ depth }) => depth)).toEqual([1, 5]);
  });
});
