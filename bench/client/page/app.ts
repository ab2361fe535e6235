import { RealtimeProvider, useChannel, useRealtimeClient } from "@vezta/realtime-client/react";
import { createElement, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

/** The parts of a browser that this page uses; the repository's own types are Node's. */
interface Page {
  readonly location: { readonly search: string };
  readonly document: { getElementById(id: string): Element | null };
  requestAnimationFrame(callback: () => void): number;
  counts: { frames: number; renders: number };
}

const page = globalThis as unknown as Page;
const query = new URLSearchParams(page.location.search);
const markets = Array.from({ length: Number(query.get("markets")) }, (_, index) => `market-${index}`);
const isBatched = query.get("mode") !== "unbatched";

page.counts = { frames: 0, renders: 0 };
const countFrame = (): void => {
  page.counts.frames += 1;
  page.requestAnimationFrame(countFrame);
};
countFrame();

interface Price {
  readonly yes: string;
  readonly no: string;
  readonly time: number;
}

const useBatched = (marketId: string): Price | undefined =>
  useChannel("market:prices", { marketId, keep: 0 }).latest?.data;

/** The hook that one writes without the package's hooks: a state per message. */
function useUnbatched(marketId: string): Price | undefined {
  const client = useRealtimeClient();
  const [price, setPrice] = useState<Price>();
  useEffect(() => {
    const subscription = client?.subscribe("market:prices", { marketId, onMessage: ({ data }) => setPrice(data) });
    return () => subscription?.close();
  }, [client, marketId]);
  return price;
}

const usePrice = isBatched ? useBatched : useUnbatched;

function Row({ marketId }: { readonly marketId: string }) {
  const price = usePrice(marketId);
  page.counts.renders += 1;
  const cells = [marketId, price?.yes, price?.no, price?.time].map((text, index) =>
    createElement("td", { key: index }, text),
  );
  return createElement("tr", null, cells);
}

/** A list that grows and is cut, as a tape of trades is. */
function Tape() {
  const { messages } = useChannel("market:trades", { keep: 100 });
  const rows = messages.map(({ id, data }) => createElement("li", { key: id }, `${data.marketId} ${data.price}`));
  return createElement("ol", null, rows);
}

function App() {
  const rows = markets.map((marketId) => createElement(Row, { key: marketId, marketId }));
  const table = createElement("table", null, createElement("tbody", null, rows));
  const content = [createElement("div", { key: "table" }, table), createElement(Tape, { key: "tape" })];
  return createElement(RealtimeProvider, { url: query.get("url") ?? "", anonymous: true }, content);
}

const root = page.document.getElementById("root");
if (root) createRoot(root).render(createElement(App));
