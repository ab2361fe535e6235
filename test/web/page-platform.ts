import type { Browser, BrowserContextOptions } from "playwright-core";
import { type LocalPlatform, startPlatform } from "../../local/platform.ts";
import { EventSource } from "../../local/simulator/event-source.ts";
import { launchBrowser } from "../support/browser.ts";
import { openPage, type PageDriver } from "./page-driver.ts";

/** All of `npm start`, and a browser to look at it with. */
export interface PagePlatform {
  readonly platform: LocalPlatform;
  readonly browser: Browser;
  readonly url: string;
  /** What the platform told its user of. */
  readonly notices: readonly string[];
  open(options?: BrowserContextOptions): Promise<PageDriver>;
  /** Puts trades `<prefix>1`, `<prefix>2`, … of a market on the bus, one after the other so that their order is known. */
  trade(marketId: string, prefix: string, first: number, last: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startPagePlatform(): Promise<PagePlatform> {
  const notices: string[] = [];
  const browser = await launchBrowser();
  const platform = await startPlatform({
    port: 0,
    edgePort: 0,
    gateways: 2,
    eventsPerSecond: 50,
    seed: 1,
    hasPolling: false,
    onProgress: () => undefined,
    onNotice: (text) => notices.push(text),
  });
  const url = `http://localhost:${platform.port}/`;
  const source = new EventSource(`${url}dev/aws`);
  return {
    platform,
    browser,
    url,
    notices,
    open: (options = {}) => openPage(browser, { url, ...options }),
    async trade(marketId, prefix, first, last) {
      for (let number = first; number <= last; number += 1) {
        const detail = { id: `${prefix}${number}`, marketId, exchange: "test", outcome: "yes", side: "buy" };
        const values = { price: "0.5", size: String(number), time: Date.now() };
        await source.put([
          { source: "vezta.market-data", detailType: "TradeExecuted", detail: { ...detail, ...values } },
        ]);
      }
    },
    async stop() {
      await browser.close();
      source.close();
      await platform.stop();
    },
  };
}

/** `<prefix>1` to `<prefix>count`. */
export const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
