import { setTimeout as delay } from "node:timers/promises";
import { openPage } from "./browser.ts";
import { type MeasuredEdge, startEdge } from "./edges.ts";
import { startFeed } from "./feed.ts";
import { messageOf } from "./traffic.ts";

export interface PageOptions {
  readonly markets: number;
  /** Price updates a second and market. */
  readonly updates: number;
}

/** Measurements of one page in one run. */
export interface FramesResult {
  readonly mode: "batched" | "unbatched";
  readonly markets: number;
  readonly updatesPerSecond: number;
  /** The rate that the publisher kept up; less than `updatesPerSecond` on a machine that is too small. */
  readonly publishedPerSecond: number;
  readonly framesPerSecond: number;
  /** Renders of a market's row a second. */
  readonly rendersPerSecond: number;
  /** CPU of the main thread per second: in all, and in scripts, styles and layout. In ms. */
  readonly mainThreadMs: number;
  readonly scriptMs: number;
  readonly layoutMs: number;
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
  const counts = () => opened.evaluate("({ ...counts })") as Promise<{ frames: number; renders: number }>;
  try {
    await delay(WARM_UP_MS);
    const [before, first, start] = [await opened.mainThread(), await counts(), performance.now()];
    const publishedBefore = feed.published();
    await delay(seconds * 1_000);
    const [after, last] = [await opened.mainThread(), await counts()];
    const elapsed = (performance.now() - start) / 1_000;
    const perSecond = (...names: readonly string[]): number => {
      const seconds = names.reduce((sum, name) => sum + (after[name] ?? 0) - (before[name] ?? 0), 0);
      return Math.round((seconds / elapsed) * 1_000);
    };
    return {
      mode,
      markets,
      updatesPerSecond: markets * updates,
      publishedPerSecond: Math.round((feed.published() - publishedBefore) / elapsed),
      framesPerSecond: Math.round((last.frames - first.frames) / elapsed),
      rendersPerSecond: Math.round((last.renders - first.renders) / elapsed),
      mainThreadMs: perSecond("TaskDuration"),
      scriptMs: perSecond("ScriptDuration"),
      layoutMs: perSecond("LayoutDuration", "RecalcStyleDuration"),
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
