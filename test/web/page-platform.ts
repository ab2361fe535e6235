import { Redis } from "ioredis";
import type { Browser } from "playwright-core";
import { expect } from "vitest";
import type { Stream } from "../../contract/stream.ts";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import { type LocalPlatform, startPlatform } from "../../local/platform.ts";
import { EventSource } from "../../local/simulator/event-source.ts";
import type { SimulatedEvent } from "../../local/simulator/simulation.ts";
import { launchBrowser } from "../support/browser.ts";
import { type OpenOptions, openPage, type PageDriver } from "./page-driver.ts";

/** All of `npm start`, and a browser to look at it with. */
export interface PagePlatform {
  readonly platform: LocalPlatform;
  readonly browser: Browser;
  readonly url: string;
  /** Notices of the platform to its user. */
  readonly notices: readonly string[];
  open(options?: Partial<OpenOptions>): Promise<PageDriver>;
  /** Puts a price of a market on the bus. Resolves once the functions have published it. */
  price(marketId: string, yes: string): Promise<void>;
  /**
   * Puts trades `<prefix>1`, `<prefix>2`, … of a market on the bus, one after the other so that their order is known.
   * Resolves once the functions have published them all.
   */
  trade(marketId: string, prefix: string, first: number, last: number): Promise<void>;
  /** Puts that many trades of a market on the bus, in any order. Resolves once the functions have published them all. */
  tradeAtOnce(marketId: string, prefix: string, count: number): Promise<void>;
  stop(): Promise<void>;
}

function tradeEvent(marketId: string, id: string, size: number): SimulatedEvent {
  const detail = { id, marketId, exchange: "test", outcome: "yes", side: "buy", price: "0.5", size: String(size) };
  return { source: "vezta.market-data", detailType: "TradeExecuted", detail: { ...detail, time: Date.now() } };
}

/** Counts the entries of a stream that were ever written, those included that are no longer held. */
async function countWritten(redis: Redis, stream: Stream): Promise<number> {
  const key = streamKey(stream);
  if ((await redis.exists(key)) === 0) return 0;
  const facts = await redis.call("XINFO", "STREAM", key);
  if (!Array.isArray(facts)) throw new Error(`XINFO STREAM ${key}: not a list`);
  return Number(facts[facts.indexOf("entries-added") + 1]);
}

/**
 * @param eventsPerSecond of the simulated market; 0 for none.
 * @param launch starts the browser.
 */
export async function startPagePlatform(eventsPerSecond = 50, launch = launchBrowser): Promise<PagePlatform> {
  const notices: string[] = [];
  const browser = await launch();
  const platform = await startPlatform({
    port: 0,
    edgePort: 0,
    gateways: 2,
    eventsPerSecond,
    seed: 1,
    hasPolling: false,
    onProgress: () => undefined,
    onNotice: (text) => notices.push(text),
  });
  const url = `http://localhost:${platform.port}/`;
  const source = new EventSource(`${url}dev/aws`);
  const redis = new Redis(platform.redisUrl);
  // The bus answers before the functions have run.
  const putAll = async (stream: Stream, events: readonly SimulatedEvent[]): Promise<void> => {
    const before = await countWritten(redis, stream);
    await source.put(events);
    await expect
      .poll(() => countWritten(redis, stream), { timeout: 60_000 })
      .toBeGreaterThanOrEqual(before + events.length);
  };
  return {
    platform,
    browser,
    url,
    notices,
    open: (options = {}) => openPage(browser, { url, ...options }),
    async price(marketId, yes) {
      const detail = { marketId, yes, no: (1 - Number(yes)).toFixed(3), time: Date.now() };
      const event = { source: "vezta.market-data", detailType: "PriceChanged", detail };
      await putAll({ channel: "market:prices", key: marketId }, [event]);
    },
    async trade(marketId, prefix, first, last) {
      for (let number = first; number <= last; number += 1) {
        await putAll({ channel: "market:trades", key: marketId }, [tradeEvent(marketId, `${prefix}${number}`, number)]);
      }
    },
    async tradeAtOnce(marketId, prefix, count) {
      const numbers = Array.from({ length: count }, (_, index) => index + 1);
      const events = numbers.map((number) => tradeEvent(marketId, `${prefix}${number}`, number));
      await putAll({ channel: "market:trades", key: marketId }, events);
    },
    async stop() {
      redis.disconnect();
      await browser.close();
      source.close();
      await platform.stop();
    },
  };
}

/** `<prefix>1` to `<prefix>count`. */
export const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
