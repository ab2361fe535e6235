import "../support/dom.ts";
import { cleanup, renderHook, waitFor } from "@testing-library/react";
import { createStore, Provider } from "jotai";
import { createElement, type ReactNode, StrictMode } from "react";
import {
  ordersAtom,
  RealtimeProvider,
  useChannel,
  useMarketSubscription,
  wsStatusAtom,
} from "vezta-realtime/client/react";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { messages } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterEach(cleanup);
afterAll(() => platform.stop());

describe("useChannel", () => {
  it("gives the newest message", async () => {
    const store = createStore();
    const wrapper = ({ children }: { children: ReactNode }) =>
      createElement(
        StrictMode,
        null,
        createElement(
          Provider,
          { store },
          createElement(
            RealtimeProvider,
            {
              url: platform.gateways[0]?.url ?? "",
              user: "u2",
              token: () => platform.issuer.sign({ sub: "u2" }),
              subscribeGlobally: true,
            },
            children,
          ),
        ),
      );
    const { result } = renderHook(() => ({ o: useChannel("user:orders"), m: useMarketSubscription("mm") }), {
      wrapper,
    });
    await waitFor(() => expect(result.current.o.status).toBe("live"), { timeout: 5000 });
    const ids = await platform.publish(messages("user:orders", "u2", 5));
    await waitFor(() => expect(result.current.o.messages.map(({ id }) => id)).toEqual(ids));
    expect(store.get(wsStatusAtom)).toBe("connected");
    await waitFor(() => expect(store.get(ordersAtom).messages.map(({ id }) => id)).toEqual(ids));
    await platform.publish(messages("market:trades", "mm", 5));
    await waitFor(() => expect(result.current.m.trades.length).toBe(5));
  });
});
