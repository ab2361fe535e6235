import { RealtimeProvider, useChannel, useMarketSubscription, useRealtimeClient } from "@vezta/realtime-client/react";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { describe, expect, it } from "vitest";

function App() {
  const { status, since = null, messages, gap = null, gaps, error = null } = useChannel("user:orders");
  const market = useMarketSubscription("m1");
  return createElement(
    "p",
    null,
    JSON.stringify([status, since, messages, gap, gaps, error, market, useRealtimeClient()]),
  );
}

describe("rendering on a server", () => {
  it("returns the empty state, does not connect, and needs no window", () => {
    const options = { url: "https://nowhere.example", user: "alice", token: "t", subscribeGlobally: true };
    const html = renderToString(createElement(RealtimeProvider, options, createElement(App)));
    const shown: unknown = JSON.parse(html.replace(/<\/?p>/g, "").replaceAll("&quot;", '"'));
    const market = { trades: [], status: "subscribing", gaps: [] };
    expect(shown).toEqual(["subscribing", null, [], null, [], null, market, null]);
    expect(renderToString(createElement(RealtimeProvider, options, createElement(App)))).toBe(html);
    expect("window" in globalThis).toBe(false);
  });
});
