import { setTimeout as delay } from "node:timers/promises";
import { openPage } from "./browser.ts";
import { type MeasuredEdge, startEdge } from "./edges.ts";
import { startFeed } from "./feed.ts";
import { messageOf } from "./traffic.ts";
import { type MainThreadUse, watchPage } from "./watch-page.ts";

export interface PageOptions {
  readonly markets: number;
  /** Price updates a second and market. */
  readonly updates: number;
}

/** Measurements of one page in one run. */
export interface FramesResult extends MainThreadUse {
  readonly mode: "batched" | "unbatched";
  readonly markets: number;
  readonly updatesPerSecond: number;
  /** The rate that the publisher kept up; less than `updatesPerSecond` on a machine that is too small. */
  readonly publishedPerSecond: number;
  readonly framesPerSecond: number;
  /** Renders of a market's row a second. */
  readonly rendersPerSecond: number;
}

/** Prices of markets in turn, and a trade for every twenty of them. */
function createTraffic(markets: number) {
  let count = 0;
  return () => {
    count += 1;
    const isTrade = count % 21 === 0;
    return messageOf(isTrade ? "market:trades" : "market:prices", `market-${count % markets}`, count);
  };
}

/** Lets the prices of all markets move, and counts what it publishes. */
function startMarkets({ publisher }: MeasuredEdge, { markets, updates }: PageOptions) {
  let published = 0;
  const onPublished = (): void => {
    published += 1;
  };
  const feed = startFeed({ publisher, rate: markets * updates, next: createTraffic(markets), onPublished });
  return { stop: feed.stop, published: () => published };
}

/** Time for the page to settle before it is measured, in ms. */
const WARM_UP_MS = 3_000;

/** Opens a page of markets in Chromium, with prices that move, and measures its frames and its main thread. */
export async function measureFrames(
  mode: FramesResult["mode"],
  { markets, updates, seconds }: PageOptions & { readonly seconds: number },
): Promise<FramesResult> {
  const edge = await startEdge("gateway");
  const feed = startMarkets(edge, { markets, updates });
  const opened = await openPage({ url: edge.urlOn(edge.port), markets: String(markets), mode });
  const read = async () => {
    const counts = (await opened.evaluate("({ ...counts })")) as { readonly frames: number; readonly renders: number };
    return { ...counts, published: feed.published() };
  };
  try {
    await delay(WARM_UP_MS);
    const { use, rates } = await watchPage(opened, seconds, read);
    return {
      mode,
      markets,
      updatesPerSecond: markets * updates,
      publishedPerSecond: rates.published,
      framesPerSecond: rates.frames,
      rendersPerSecond: rates.renders,
      ...use,
    };
  } finally {
    await opened.close();
    await feed.stop();
    await edge.stop();
  }
}

export interface MemorySample {
  readonly minute: number;
  /** Heap of the page after a garbage collection, in KiB. */
  readonly heapKiB: number;
  /** Messages published until then. */
  readonly published: number;
}

/** Lets messages stream into the page for minutes, and measures its heap at the end of each. */
export async function measureMemory(
  { markets, updates, minutes }: PageOptions & { readonly minutes: number },
  onSample: (sample: MemorySample) => void,
): Promise<readonly MemorySample[]> {
  const edge = await startEdge("gateway");
  const feed = startMarkets(edge, { markets, updates });
  const opened = await openPage({ url: edge.urlOn(edge.port), markets: String(markets), mode: "batched" });
  const samples: MemorySample[] = [];
  try {
    await delay(WARM_UP_MS);
    for (let minute = 0; minute <= minutes; minute += 1) {
      if (minute > 0) await delay(60_000);
      const sample = { minute, heapKiB: Math.round((await opened.heapInUse()) / 1_024), published: feed.published() };
      samples.push(sample);
      onSample(sample);
    }
    return samples;
  } finally {
    await opened.close();
    await feed.stop();
    await edge.stop();
  }
}
