import { setTimeout as delay } from "node:timers/promises";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { createPublisher } from "../../kernel/streams/publisher.ts";
import { startQuietPlatform } from "../../local/quiet-platform.ts";
import { type BenchPage, openAddress } from "../client/browser.ts";
import { startFeed } from "../client/feed.ts";
import { type MainThreadUse, watchPage } from "../client/watch-page.ts";
import { createBookTraffic, createTraffic } from "./traffic.ts";

/** Time for the page to settle before it is measured, in ms. */
const WARM_UP_MS = 5_000;

export interface PageOptions {
  readonly markets: number;
  /** Updates a second and market. */
  readonly updates: number;
  /** True for books that move in place of prices. */
  readonly books: boolean;
}

/** Measurements of the page in one run. */
export interface FramesResult extends MainThreadUse {
  readonly markets: number;
  readonly updatesPerSecond: number;
  /** The rate that the publisher kept up; less than `updatesPerSecond` on a machine that is too small. */
  readonly publishedPerSecond: number;
  readonly framesPerSecond: number;
  /** From the entry in the stream to the painted frame, as the page itself shows it. */
  readonly publishToScreen: string;
  readonly holes: string;
  readonly doubles: string;
}

export interface MemorySample {
  readonly minute: number;
  /** Heap of the page after a garbage collection, in KiB. */
  readonly heapKiB: number;
  /** Messages published until then. */
  readonly published: number;
}

interface Streaming {
  readonly page: BenchPage;
  readonly published: () => number;
  stop(): Promise<void>;
}

const fail = (error: Error): void => console.error(error.message);

/** The page of `npm start` in Chromium, with messages that stream into it. */
async function startStreaming({ markets, updates, books }: PageOptions): Promise<Streaming> {
  const platform = await startQuietPlatform((text) => console.error(text));
  const commands = connectPublisher(parseEnvironment(redisEnvironment, { RT_REDIS_URL: platform.redisUrl }), fail);
  let published = 0;
  const feed = startFeed({
    publisher: createPublisher(commands),
    rate: markets * updates,
    next: books ? createBookTraffic(markets) : createTraffic(markets),
    onPublished: () => {
      published += 1;
    },
  });
  const page = await openAddress(`http://localhost:${platform.port}/`);
  await delay(WARM_UP_MS);
  return {
    page,
    published: () => published,
    async stop() {
      await page.close();
      await feed.stop();
      commands.disconnect();
      await platform.stop();
    },
  };
}

const textOf = async (page: BenchPage, name: string): Promise<string> =>
  String(await page.evaluate(`document.querySelector("[data-testid=${name}]").textContent`));

/** Measures frames and the main thread while prices or books move. */
export async function measureFrames({
  seconds,
  ...options
}: PageOptions & { readonly seconds: number }): Promise<FramesResult> {
  const { page, published, stop } = await startStreaming(options);
  try {
    await page.evaluate(
      "window.frames_ = 0; (function count() { window.frames_ += 1; requestAnimationFrame(count); })()",
    );
    const { use, rates } = await watchPage(page, seconds, async () => ({
      frames: Number(await page.evaluate("window.frames_")),
      published: published(),
    }));
    return {
      markets: options.markets,
      updatesPerSecond: options.markets * options.updates,
      publishedPerSecond: rates.published,
      framesPerSecond: rates.frames,
      ...use,
      publishToScreen: await textOf(page, "latency"),
      holes: await textOf(page, "holes"),
      doubles: await textOf(page, "doubles"),
    };
  } finally {
    await stop();
  }
}

/** Lets messages stream into the page for minutes, and measures its heap at the end of each. */
export async function measureMemory(
  { minutes, ...options }: PageOptions & { readonly minutes: number },
  onSample: (sample: MemorySample) => void,
): Promise<readonly MemorySample[]> {
  const { page, published, stop } = await startStreaming(options);
  const samples: MemorySample[] = [];
  try {
    for (let minute = 0; minute <= minutes; minute += 1) {
      if (minute > 0) await delay(60_000);
      const sample = { minute, heapKiB: Math.round((await page.heapInUse()) / 1_024), published: published() };
      samples.push(sample);
      onSample(sample);
    }
    return samples;
  } finally {
    await stop();
  }
}
