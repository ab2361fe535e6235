import { RealtimeProvider, useChannel } from "@vezta/realtime-client/react";
import { createElement, memo, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { io } from "socket.io-client";
import type { Depth } from "../../../contract/limits.ts";
import type { OutcomeBook, PriceLevel } from "../../../contract/payloads/order-book.ts";

/*
 * A page of small order books: the best levels of each market. By changes, with the package's hook, or by whole values as
 * they were sent before there were changes: parsed, kept and shown, with nothing else around them.
 */

/** The parts of a browser that this page uses; the repository's own types are Node's. */
interface Page {
  readonly location: { readonly search: string };
  readonly document: {
    getElementById(id: string): Element | null;
    createElement(name: "style"): { textContent: string };
    readonly head: { append(element: object): void };
  };
  requestAnimationFrame(callback: () => void): number;
  counts: { frames: number; renders: number };
}

const page = globalThis as unknown as Page;
const query = new URLSearchParams(page.location.search);
const url = query.get("url") ?? "";
const markets = (query.get("markets") ?? "").split(",");
const mode = query.get("mode");
const isWhole = mode === "whole";

/** Levels shown of each side. */
const SHOWN = 5;

/** As an application asks for no more than it shows. */
const depth = mode === "best" ? { depth: SHOWN as Depth } : {};

/** Panels of one size that cannot change each other's layout, as cards of a page are. */
const STYLE = `
#root { display: grid; grid-template-columns: repeat(10, 1fr); gap: 4px; font: 11px monospace; }
section { contain: strict; height: 150px; }
h2 { font-size: 11px; margin: 0; }
p { margin: 0; height: 13px; white-space: pre; contain: strict; }
.asks { color: #b00; } .bids { color: #080; }
`;

page.counts = { frames: 0, renders: 0 };
const countFrame = (): void => {
  page.counts.frames += 1;
  page.requestAnimationFrame(countFrame);
};
countFrame();

const Level = memo(function Level({ price = "", size = "" }: Partial<PriceLevel>) {
  return createElement("p", null, `${price.padEnd(6)}${size.padStart(10)}`);
});

const places = Array.from({ length: SHOWN }, (_, index) => index);

function Side({ name, levels }: { readonly name: string; readonly levels: readonly PriceLevel[] }) {
  const rows = places.map((place) => createElement(Level, { key: place, ...levels[place] }));
  return createElement("div", { className: name }, name === "asks" ? rows.reverse() : rows);
}

function Panel({ marketId, book }: { readonly marketId: string; readonly book: OutcomeBook | undefined }) {
  page.counts.renders += 1;
  return createElement(
    "section",
    null,
    createElement("h2", null, marketId),
    createElement(Side, { name: "asks", levels: book?.asks ?? [] }),
    createElement(Side, { name: "bids", levels: book?.bids ?? [] }),
  );
}

const isShownAlike = (before: readonly PriceLevel[] = [], now: readonly PriceLevel[] = []): boolean =>
  before === now || places.every((place) => before[place] === now[place]);

/** The package keeps what is unchanged: that the same levels are shown can be seen by their identity. */
const shown = {
  selector: ({ latest }: { readonly latest: { readonly data: { readonly yes: OutcomeBook } } | undefined }) =>
    latest?.data.yes,
  isEqual: (before: OutcomeBook | undefined, now: OutcomeBook | undefined): boolean =>
    isShownAlike(before?.bids, now?.bids) && isShownAlike(before?.asks, now?.asks),
};

function ChangedBook({ marketId }: { readonly marketId: string }) {
  const book = useChannel("market:orderbook", { marketId, keep: 0, ...shown, ...depth });
  return createElement(Panel, { marketId, book });
}

interface WholeMessage {
  readonly channel: string;
  readonly marketId: string;
  readonly data: { readonly yes: OutcomeBook };
}

/** The newest whole values, which one pass a frame shows. */
class WholeBooks {
  readonly #setters = new Map<string, (book: OutcomeBook) => void>();
  readonly #waiting = new Map<string, OutcomeBook>();

  connect(): void {
    const socket = io(`${url}/ws`, { transports: ["websocket"] });
    socket.on("connect", () => {
      for (const marketId of markets) socket.emit("subscribe", { channel: "market:orderbook", marketId });
    });
    socket.on("data", ({ marketId, data }: WholeMessage) => {
      if (this.#waiting.size === 0) page.requestAnimationFrame(() => this.#show());
      this.#waiting.set(marketId, data.yes);
    });
  }

  follow(marketId: string, onBook: (book: OutcomeBook) => void): () => void {
    this.#setters.set(marketId, onBook);
    return () => this.#setters.delete(marketId);
  }

  #show(): void {
    for (const [marketId, book] of this.#waiting) this.#setters.get(marketId)?.(book);
    this.#waiting.clear();
  }
}

const wholeBooks = new WholeBooks();

function WholeBook({ marketId }: { readonly marketId: string }) {
  const [book, setBook] = useState<OutcomeBook>();
  useEffect(() => wholeBooks.follow(marketId, setBook), [marketId]);
  return createElement(Panel, { marketId, book });
}

function App() {
  const panels = markets.map((marketId) =>
    createElement(isWhole ? WholeBook : ChangedBook, { key: marketId, marketId }),
  );
  return isWhole ? panels : createElement(RealtimeProvider, { url, anonymous: true }, panels);
}

const style = page.document.createElement("style");
style.textContent = STYLE;
page.document.head.append(style);
if (isWhole) wholeBooks.connect();
const root = page.document.getElementById("root");
if (root) createRoot(root).render(createElement(App));
