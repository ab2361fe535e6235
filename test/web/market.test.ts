import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PageDriver } from "./page-driver.ts";
import { type PagePlatform, startPagePlatform } from "./page-platform.ts";

let start: PagePlatform;
let guest: PageDriver;

beforeAll(async () => {
  start = await startPagePlatform();
  guest = await start.open();
});
afterAll(() => start?.stop());

const moving = async (read: () => Promise<unknown>): Promise<void> => {
  const before = JSON.stringify(await read());
  await expect.poll(async () => JSON.stringify(await read())).not.toBe(before);
};

describe("a guest", () => {
  it("sees a price of every market, and that they move", async () => {
    await expect.poll(async () => (await guest.prices()).filter((price) => /\d\.\d¢/.test(price)).length).toBe(20);
    await moving(() => guest.prices());
  });

  it("sees a price flash where it changes, in its direction", async () => {
    const row = guest.page.locator(".market-row .flash[data-flash]").first();
    await row.waitFor();
    expect(await row.getAttribute("data-direction")).toMatch(/^(up|down)$/);
  });

  it("sees the order book of a market, best prices inside, and that it moves", async () => {
    const book = guest.panel("Order book");
    const priced = async (side: string): Promise<number[]> =>
      (await book.locator(`.${side} th`).allTextContents()).map((text) => Number.parseFloat(text));
    await expect.poll(async () => (await priced("asks")).every(Number.isFinite)).toBe(true);
    // In one reading: between two the book may have moved.
    const rows = (await book.locator("tbody th").allTextContents()).filter((text) => text.endsWith("¢"));
    const prices = rows.map((text) => Number.parseFloat(text));
    expect(prices).toHaveLength(12);
    expect(prices).toEqual(prices.toSorted((a, b) => b - a));
    await moving(() => book.textContent());
  });

  it("sees the bars of the book grow with its depth", async () => {
    const rows = await guest.panel("Order book").locator(".bids tr").all();
    const styles = await Promise.all(rows.map((row) => row.getAttribute("style")));
    const depths = styles.map((style) => Number.parseFloat(style?.replace("--depth:", "") ?? ""));
    expect(depths).toEqual(depths.toSorted((a, b) => a - b));
    expect(depths.at(-1)).toBeGreaterThan(depths[0] ?? 1);
  });

  it("sees the depth of as many levels as it chooses, of the outcome that it chooses", async () => {
    const book = guest.panel("Order book");
    const chart = book.getByRole("img");
    const steps = async (side: string): Promise<number> =>
      ((await chart.locator(`path.${side}`).getAttribute("d")) ?? "").split("V").length - 2;
    // Every second market sends YES alone, which NO mirrors.
    await guest.chooseMarket("Fed cuts rates in June");
    for (const [levels, count] of [
      ["10", 10],
      ["20", 20],
      ["50", 50],
      ["All", 51],
    ] as const) {
      await book.getByRole("radio", { name: levels, exact: true }).check({ force: true });
      for (const [outcome, side] of [
        ["No", "asks"],
        ["Yes", "bids"],
      ] as const) {
        await book.getByRole("radio", { name: outcome, exact: true }).check({ force: true });
        await expect.poll(() => steps(side)).toBeGreaterThanOrEqual(count);
        if (levels !== "All") expect(await steps(side)).toBe(count);
        expect(await chart.getAttribute("aria-label")).toMatch(
          new RegExp(`^Depth of ${outcome}: [\\d,]+ bid down to [\\d.]+¢, [\\d,]+ asked up to [\\d.]+¢$`),
        );
      }
    }
  });

  it("sees that the book is verified, and how often it was", async () => {
    const checks = async (): Promise<number> =>
      Number((await guest.page.getByTestId("verified").textContent())?.replace(",", ""));
    await guest
      .panel("Order book")
      .getByText(/^Book verified, [\d,]+ checks$/)
      .waitFor();
    const before = await checks();
    await expect.poll(checks).toBeGreaterThan(before);
  });

  it("sees trades, also those from before the page was opened", async () => {
    await start.trade("fed-cut-june", "before-", 1, 3);
    await guest.chooseMarket("Fed cuts rates in June");
    await expect.poll(() => guest.trades("before-")).toEqual(["before-1", "before-2", "before-3"]);
    await start.trade("fed-cut-june", "after-", 1, 3);
    await expect.poll(() => guest.trades("after-")).toEqual(["after-1", "after-2", "after-3"]);
  });

  it("sees the chart of the market that is chosen", async () => {
    await guest.chooseMarket("Bitcoin above $150k");
    await guest.panel("Bitcoin above $150k").waitFor();
    const chart = guest.page.getByRole("img", { name: "Price of a Yes share: Bitcoin above $150k" });
    await chart.waitFor();
    await moving(async () => (await chart.screenshot()).toString("base64"));
  });

  it("sees signals", async () => {
    await guest.panel("Signals").getByRole("listitem").first().waitFor();
  });

  it("sees that every public channel is live and no private one is requested", async () => {
    for (const name of ["market:prices", "market:orderbook", "market:trades", "monitor:signals"]) {
      await guest.channel(name, "live").waitFor();
    }
    for (const name of ["user:orders", "user:notifications", "user:portfolio", "user:copy-trade"]) {
      await guest.channel(name, "off").waitFor();
    }
  });

  it("sees the rate of messages, how long they take to the screen, and that none is missing", async () => {
    await expect.poll(async () => Number(await guest.page.getByTestId("rate").textContent())).toBeGreaterThan(0);
    await expect.poll(() => guest.page.getByTestId("latency").textContent()).toMatch(/^\d+ ms p99 \d+ ms$/);
    await guest.expectWhole();
  });

  it("shows how to place an order", async () => {
    expect(await guest.page.getByRole("button", { name: "Buy Yes" }).isDisabled()).toBe(true);
    await guest.page.getByText("Sign in as alice or bob to place an order.").waitFor();
  });

  it("has no errors or warnings in the console", () => {
    expect(guest.errors).toEqual([]);
    expect(start.notices).toEqual([]);
  });
});

describe("if the platform is not running", () => {
  it("the page says what to do", async () => {
    const context = await start.browser.newContext();
    const page = await context.newPage();
    await page.route("**/dev/config", (route) => route.abort());
    await page.goto(start.url);
    await page.getByRole("alert").getByText("Is npm start running?").waitFor();
    await page.unroute("**/dev/config");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(".connection[data-status=connected]").waitFor();
    await context.close();
  });
});
