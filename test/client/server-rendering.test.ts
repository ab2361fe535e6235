import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { RealtimeProvider, useChannel, useMarketSubscription, useRealtimeClient } from "vezta-realtime/client/react";
import { describe, expect, it } from "vitest";

function App() {
  const { status, messages } = useChannel("user:orders");
  const market = useMarketSubscription("m1");
  return createElement("p", null, JSON.stringify([status, messages, market, useRealtimeClient()]));
}

describe("rendering on a server", () => {
  it("gives the empty state, connects to nothing, and needs no window", () => {
    const options = { url: "https://nowhere.example", user: "alice", token: "t", subscribeGlobally: true };
    const html = renderToString(createElement(RealtimeProvider, options, createElement(App)));
    const shown: unknown = JSON.parse(html.replace(/<\/?p>/g, "").replaceAll("&quot;", '"'));
    expect(shown).toEqual(["subscribing", [], { trades: [], status: "subscribing" }, null]);
    expect("window" in globalThis).toBe(false);
  });
});
