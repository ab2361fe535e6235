import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { PageDriver } from "./page-driver.ts";
import { numbered, type PagePlatform, startPagePlatform } from "./page-platform.ts";

const MARKET = "fed-cut-march";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

let start: PagePlatform;
let page: Page;

// Nothing happens but what a test lets happen.
beforeAll(async () => {
  start = await startPagePlatform(0);
});
afterEach(async () => {
  start.platform.balancer.cut(0);
  await page.context().close();
});
afterAll(() => start?.stop());

/** A page that is opened, however much of the platform answers. */
async function openAnyhow(prepare: (fresh: Page) => Promise<unknown> = async () => undefined): Promise<PageDriver> {
  page = await start.browser.newPage();
  page.setDefaultTimeout(30_000);
  await prepare(page);
  const driver = new PageDriver(page);
  await page.goto(start.url);
  return driver;
}

const trades = (driver: PageDriver) => driver.panel("Trades");
const gateways = (driver: PageDriver) => driver.panel("Delivery").locator(".gateways");

describe("before any data has arrived", () => {
  it("a list shows that it is loading, not that it is empty, and buying is disabled", async () => {
    start.platform.balancer.cut(60_000);
    const driver = await openAnyhow();
    await driver.page.getByRole("radio", { name: "Bob" }).check({ force: true });
    await trades(driver).getByText("Trades are being loaded.").waitFor();
    await driver.panel("Account of bob").getByText("Orders are being loaded.").waitFor();
    expect(await driver.panelsThatAre("live")).toEqual([]);
    expect(await page.getByText(/No (trade|signal|orders) yet/).count()).toBe(0);
    expect(await page.getByRole("button", { name: "Buy Yes" }).isDisabled()).toBe(true);
    await page.getByText("Buying is off. Price: Loading").waitFor();
    await trades(driver)
      .getByRole("button", { name: /^Retry now/ })
      .waitFor();
  });

  it("an empty live list says that it is empty, and that it was when it is no longer live", async () => {
    const driver = await openAnyhow();
    await trades(driver).getByText("No trade yet. The next one appears here.").waitFor();
    expect(await driver.panelsThatAre("live")).toContain("trades");
    await page.getByText("Buying is off: this market has no price yet.").waitFor();
    await page.context().setOffline(true);
    await trades(driver)
      .getByText(/^Nothing to show\. Offline since \d\d:\d\d:\d\d\.$/)
      .waitFor();
  });

  it("a page whose platform has not answered yet says that it is loading", async () => {
    let answer = (): void => undefined;
    const driver = await openAnyhow((fresh) =>
      fresh.route("**/dev/config", async (route) => {
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        await route.continue();
      }),
    );
    await page.getByText("Asking the platform what there is").waitFor();
    answer();
    await driver.waitUntilLive();
  });
});

describe("the gateways", () => {
  it("are shown as loading without an error until a request fails", async () => {
    let answer = (): void => undefined;
    let isHeld = true;
    const driver = await openAnyhow((fresh) =>
      fresh.route("**/dev/gateways", async (route) => {
        if (isHeld) {
          await new Promise<void>((resolve) => {
            answer = resolve;
          });
        }
        await route.continue();
      }),
    );
    await gateways(driver).getByText("Asking for the gateways").waitFor();
    expect(
      await gateways(driver)
        .getByText(/No answer/)
        .count(),
    ).toBe(0);
    isHeld = false;
    answer();
    await gateways(driver).getByText("Ready").first().waitFor();
    await page.route("**/dev/gateways", (route) => route.abort());
    await gateways(driver)
      .getByText(/^No answer since \d\d:\d\d:\d\d\. Is npm start running\?$/)
      .waitFor();
    expect(await gateways(driver).getByText("Ready").count()).toBe(0);
    expect(await gateways(driver).getByRole("button", { name: "Drain gateway 1" }).isDisabled()).toBe(true);
  });

  it("of a platform that accepts the request and never answers are unknown", async () => {
    const driver = await openAnyhow();
    await gateways(driver).getByText("Ready").first().waitFor();
    await page.route("**/dev/gateways", () => new Promise(() => undefined));
    await gateways(driver)
      .getByText(/^No answer since/)
      .waitFor();
    expect(await gateways(driver).getByText("Unknown").count()).toBe(2);
  });
});

describe("publish to screen", () => {
  const latency = () => page.getByTestId("latency").textContent();

  it("excludes messages that were held for the page, at the start and after an absence", async () => {
    await start.price(MARKET, "0.4");
    const driver = await openAnyhow();
    await driver.waitUntilLive();
    start.platform.balancer.cut(60_000);
    await driver.channel("market:trades", "resuming").waitFor();
    await start.trade(MARKET, "away-", 1, 5);
    await start.price(MARKET, "0.5");
    start.platform.balancer.cut(0);
    await expect.poll(() => driver.trades("away-"), { timeout: 60_000 }).toEqual(numbered("away-", 5));
    await expect.poll(() => driver.price("Fed cuts rates in March")).toMatch(/50\.0¢$/);
    await driver.channel("market:trades", "live").waitFor();
    expect(await driver.page.locator('[data-channel="market:trades"] .number').first().textContent()).toBe("5");
    expect(await latency()).toBe("– p99 –");
    await start.trade(MARKET, "here-", 1, 3);
    await expect.poll(latency).toMatch(/^\d+ ms p99 \d+ ms$/);
    await driver.expectWhole();
  });
});
