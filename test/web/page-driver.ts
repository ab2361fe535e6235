import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from "playwright-core";
import { expect } from "vitest";

/** What a browser says of connections that cannot be made; nothing that a page could keep it from. */
const OUTAGE = /WebSocket connection to|ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|Failed to load resource/;

export interface OpenOptions extends BrowserContextOptions {
  readonly url: string;
}

/** The page in a browser of its own, with the words that people use for it. */
export class PageDriver {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the console said that it should not. */
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
export async function openPage(browser: Browser, { url, ...options }: OpenOptions): Promise<PageDriver> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "dark", ...options });
  context.setDefaultTimeout(20_000);
  const driver = new PageDriver(await context.newPage());
  await driver.page.goto(url);
  await driver.waitUntilLive();
  return driver;
}
