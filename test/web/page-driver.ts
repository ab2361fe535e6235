import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from "playwright-core";
import { expect } from "vitest";

/** Console messages of a browser about failed connections, which a page cannot suppress. */
const OUTAGE = /WebSocket connection to|ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|Failed to load resource/;

export interface OpenOptions extends BrowserContextOptions {
  readonly url: string;
  /** Port of the managed edge, as the platform names it to the page. @default the actual port */
  readonly managedEdgePort?: number;
}

/** Sums up the page's layout shifts, from before it is loaded. */
const OBSERVE_SHIFTS = `
  window.shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
`;

/** Drives the page in a browser, in the terms of its users. */
export class PageDriver {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors and warnings of the console. */
  readonly errors: string[] = [];

  constructor(page: Page) {
    this.page = page;
    this.context = page.context();
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.errors.push(message.text());
    });
  }

  /** Errors but those of a connection that was cut on purpose. */
  get errorsBesideOutage(): string[] {
    return this.errors.filter((text) => !OUTAGE.test(text));
  }

  panel(name: string | RegExp): Locator {
    return this.page.getByRole("region", { name, exact: typeof name === "string" });
  }

  /** The panels that are in that state, by what they are called in the layout. */
  async panelsThatAre(liveness: "live" | "loading" | "not-live"): Promise<string[]> {
    const panels = await this.page.locator(`.panel[data-liveness=${liveness}]`).all();
    const areas = await Promise.all(panels.map((panel) => panel.getAttribute("data-area")));
    return areas.map(String).sort();
  }

  /** Resolves with the page's cumulative layout shift since it was opened; Core Web Vitals call less than 0.1 good. */
  async shift(): Promise<number> {
    return Number(await this.page.evaluate("window.shift"));
  }

  /** Resolves with the price of a market as the list shows it. */
  price(marketId: string): Promise<string | null> {
    return this.panel("Markets").getByRole("button", { name: marketId }).locator(".price.yes").textContent();
  }

  async waitUntilLive(): Promise<void> {
    await this.page.locator(".connection[data-status=connected]").waitFor();
    await this.channel("market:prices", "live").waitFor();
  }

  /** The row of a channel once it has that status. */
  channel(name: string, status: string): Locator {
    return this.page.locator(`[data-channel="${name}"]`).filter({ has: this.page.locator(`[data-status=${status}]`) });
  }

  async signIn(user: string): Promise<void> {
    await this.page.getByRole("radio", { name: user }).check({ force: true });
    await this.panel(`Account of ${user.toLowerCase()}`).waitFor();
    await this.channel("user:orders", "live").waitFor();
  }

  chooseMarket(title: string): Promise<void> {
    return this.panel("Markets").getByRole("button", { name: title }).click();
  }

  /** The prices of all markets, as shown. */
  prices(): Promise<string[]> {
    return this.page.locator(".market-row .price.yes").allTextContents();
  }

  /** The ids of the trades that are shown and begin so, oldest first. */
  async trades(prefix: string): Promise<string[]> {
    const rows = await this.page.locator(`[data-trade^="${prefix}"]`).all();
    const ids = await Promise.all(rows.map((row) => row.getAttribute("data-trade")));
    return ids.map(String).reverse();
  }

  async orders(): Promise<string[]> {
    const rows = await this.page.locator("[data-order]").all();
    return (await Promise.all(rows.map((row) => row.getAttribute("data-order")))).map(String);
  }

  async expectWhole(): Promise<void> {
    await expect.poll(() => this.page.getByTestId("holes").textContent()).toBe("0");
    expect(await this.page.getByTestId("doubles").textContent()).toBe("0");
  }
}

/** Opens the page in a context of its own: no cookies, no storage, nobody signed in. */
export async function openPage(
  browser: Browser,
  { url, managedEdgePort, ...options }: OpenOptions,
): Promise<PageDriver> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "dark", ...options });
  context.setDefaultTimeout(20_000);
  await context.addInitScript(OBSERVE_SHIFTS);
  if (managedEdgePort !== undefined) {
    await context.route("**/dev/config", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), managedEdgePort } });
    });
  }
  const driver = new PageDriver(await context.newPage());
  await driver.page.goto(url);
  await driver.waitUntilLive();
  return driver;
}
