import { setTimeout as delay } from "node:timers/promises";
import { openPage } from "../client/browser.ts";
import { startEdge } from "../client/edges.ts";
import { startFeed } from "../client/feed.ts";
import { type MainThreadUse, watchPage } from "../client/watch-page.ts";
import { createLevelTraffic, marketIds, prepareBookTraffic } from "./traffic.ts";

/** Books that the page of whole values shows. */
const WHOLE_BOOKS = 5;

/** Time for a page to settle before it is measured, in ms. */
const WARM_UP_MS = 3_000;

/** Messages are prepared for longer than a measurement takes. */
const SPARE_SECONDS = 5;

export interface BooksOptions {
  /** Books that the page of changes shows. */
  readonly markets: number;
  /** Updates a second and market. */
  readonly updates: number;
  readonly seconds: number;
  readonly runs: number;
  /** True for books around a price that wanders, so that the best levels change nearly each time; else any level changes. */
  readonly isWandering: boolean;
}

/** Measurements of one page of order books in one run. */
export interface BooksResult extends MainThreadUse {
  readonly what: string;
  readonly books: number;
  readonly publishedPerSecond: number;
  readonly framesPerSecond: number;
  /** Renders of a book's panel a second. */
  readonly rendersPerSecond: number;
}

/** Ways in which the books of a page come, and how the results call them. */
const modes = { changes: "changes, all levels", best: "changes, 5 levels a side", whole: "whole values" } as const;

type Mode = keyof typeof modes;

/** A gateway, with books that move, and a page that shows them. */
async function startBooks(mode: Mode, books: number, { updates, seconds, isWandering }: BooksOptions) {
  const rounds = Math.ceil((WARM_UP_MS / 1_000 + SPARE_SECONDS + seconds) * updates);
  const next = isWandering ? prepareBookTraffic(books, rounds) : createLevelTraffic(books);
  // As it was before there were changes, nothing holds whole values back.
  const edge = await startEdge("gateway", { RT_WHOLE_VALUE_RATE: "50" });
  const page = await openPage({ url: edge.urlOn(edge.port), markets: marketIds(books).join(), mode }, "books.ts");
  let published = 0;
  const onPublished = (): void => {
    published += 1;
  };
  const feed = startFeed({ publisher: edge.publisher, rate: books * updates, next, onPublished });
  return {
    page,
    async read() {
      const counts = (await page.evaluate("({ ...counts })")) as { readonly frames: number; readonly renders: number };
      return { ...counts, published };
    },
    async stop() {
      await page.close();
      await feed.stop();
      await edge.stop();
    },
  };
}

async function measure(mode: Mode, options: BooksOptions): Promise<BooksResult> {
  const books = mode === "whole" ? Math.min(WHOLE_BOOKS, options.markets) : options.markets;
  const { page, read, stop } = await startBooks(mode, books, options);
  try {
    await delay(WARM_UP_MS);
    const { use, rates } = await watchPage(page, options.seconds, read);
    return {
      what: modes[mode],
      books,
      publishedPerSecond: rates.published,
      framesPerSecond: rates.frames,
      rendersPerSecond: rates.renders,
      ...use,
    };
  } finally {
    await stop();
  }
}

/** Measures a page of many books by changes, with all levels and with those that it shows, and one of five whole ones, by turns. */
export async function measureBooks(options: BooksOptions): Promise<readonly BooksResult[]> {
  const results: BooksResult[] = [];
  for (let run = 0; run < options.runs; run += 1) {
    for (const mode of ["changes", "best", "whole"] as const) results.push(await measure(mode, options));
  }
  return results;
}
