import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PageDriver } from "./page-driver.ts";
import { type PagePlatform, startPagePlatform } from "./page-platform.ts";

const SCREENSHOTS = join(import.meta.dirname, "../../.cache/screenshots");

const SIZES = [
  ["desktop", 1440, 900],
  ["tablet", 1024, 768],
  ["phone", 390, 844],
] as const;

const SECTIONS = ["Markets", "Trade", "Account", "Signals", "Delivery"];

let start: PagePlatform;
let driver: PageDriver;

beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  start = await startPagePlatform();
  driver = await start.open({ hasTouch: true });
  await driver.signIn("Alice");
  await driver.page.locator("[data-order]").nth(2).waitFor();
});
afterAll(() => start?.stop());

async function violations(): Promise<string[]> {
  const { violations: found } = await new AxeBuilder({ page: driver.page }).analyze();
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} ${target}: ${failureSummary}`),
  );
}

const section = (name: string) => driver.page.getByRole("navigation").getByRole("button", { name });

/** The width that the page takes, which must not be more than there is. */
const overflow = (): Promise<unknown> =>
  driver.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

describe.each(["dark", "light"] as const)("the %s theme", (theme) => {
  beforeAll(() => driver.page.emulateMedia({ colorScheme: theme }));

  it("follows the system", async () => {
    await driver.page.locator(`html[data-theme=${theme}]`).waitFor();
  });

  it.each(SIZES)("on a %s of %i x %i: fits, and axe finds nothing", async (name, width, height) => {
    await driver.page.setViewportSize({ width, height });
    const views = name === "phone" ? SECTIONS : ["all"];
    for (const view of views) {
      if (name === "phone") await section(view).click();
      expect([view, await overflow()]).toEqual([view, 0]);
      expect(await violations()).toEqual([]);
      await driver.page.screenshot({ path: join(SCREENSHOTS, `${name}-${theme}-${view.toLowerCase()}.png`) });
    }
  });

  it("as a guest too", async () => {
    await driver.page.setViewportSize({ width: 1440, height: 900 });
    await driver.page.getByRole("radio", { name: "Guest" }).check({ force: true });
    await driver.page.getByRole("button", { name: "Sign in as alice" }).waitFor();
    expect(await violations()).toEqual([]);
    await driver.page.screenshot({ path: join(SCREENSHOTS, `guest-${theme}.png`) });
    await driver.signIn("Alice");
  });
});

describe("the switch of the theme", () => {
  it("overrules the system, and a reload keeps it", async () => {
    await driver.page.emulateMedia({ colorScheme: "light" });
    await driver.page.getByRole("button", { name: "Switch to the dark theme" }).click();
    await driver.page.locator("html[data-theme=dark]").waitFor();
    await driver.page.reload();
    await driver.page.getByRole("button", { name: "Switch to the light theme" }).waitFor();
  });
});

describe("a phone", () => {
  it("shows one section at a time; a market that is chosen is shown", async () => {
    await driver.page.setViewportSize({ width: 390, height: 844 });
    await section("Markets").tap();
    await driver.panel("Markets").waitFor();
    expect(await driver.panel("Order book").isVisible()).toBe(false);
    await driver.panel("Markets").getByRole("button", { name: "Gold above $4,000" }).tap();
    await driver.panel("Gold above $4,000").waitFor();
    await driver.panel("Order book").waitFor();
    expect(await driver.panel("Markets").isVisible()).toBe(false);
  });

  it("buys and follows the fill", async () => {
    await driver.page.getByRole("button", { name: "Buy No" }).tap();
    await driver.page.getByText(/^Filled: 100 of 100 NO at \d/).waitFor();
  });
});

describe("the keyboard", () => {
  const focused = (): Promise<unknown> => driver.page.evaluate("document.activeElement?.textContent");
  const outline = (): Promise<unknown> =>
    driver.page.evaluate(
      "getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).outlineWidth",
    );

  beforeAll(() => driver.page.setViewportSize({ width: 1440, height: 900 }));

  it("chooses a market, with a visible focus", async () => {
    await driver.panel("Markets").getByRole("button", { name: "Oil above $90" }).focus();
    await driver.page.keyboard.press("Tab");
    expect(await focused()).toContain("Senate changes hands");
    expect(await outline()).toBe("solid2px");
    await driver.page.keyboard.press("Enter");
    await driver.panel("Senate changes hands").waitFor();
  });

  it("moves through tabs with the arrow keys", async () => {
    await driver.page.getByRole("tab", { name: "Orders" }).focus();
    await driver.page.keyboard.press("ArrowRight");
    await driver.page.getByRole("tab", { name: "Portfolio", selected: true }).waitFor();
    await driver.page.keyboard.press("End");
    await driver.page.getByRole("tab", { name: "Copy trades", selected: true }).waitFor();
    await driver.page.keyboard.press("ArrowRight");
    await driver.page.getByRole("tab", { name: "Orders", selected: true }).waitFor();
  });

  it("changes the side of the order book", async () => {
    await driver.panel("Order book").getByRole("radio", { name: "Yes" }).focus();
    await driver.page.keyboard.press("ArrowRight");
    await driver.page.getByRole("table", { name: "Order book, no shares" }).waitFor();
  });
});

describe("motion", () => {
  const animation = (): Promise<unknown> =>
    driver.page.evaluate("getComputedStyle(document.querySelector('.flash[data-flash]'), '::before').animationName");

  it("is on by default, and off with prefers-reduced-motion", async () => {
    await expect.poll(animation).toMatch(/^flash-[ab]$/);
    await driver.page.emulateMedia({ reducedMotion: "reduce" });
    expect(await animation()).toBe("none");
  });
});

describe("the layout", () => {
  it.each([
    [1440, 900],
    [1280, 720],
    [390, 844],
  ])("on %i x %i does not shift when data arrives", async (width, height) => {
    const fresh = await start.browser.newPage({ viewport: { width, height } });
    await fresh.addInitScript(`
      window.shift = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.shift += entry.value;
      }).observe({ type: "layout-shift", buffered: true });
    `);
    await fresh.goto(start.url);
    await expect
      .poll(() => fresh.locator('[data-channel="market:prices"] .number').first().textContent())
      .toMatch(/^\d{2,}/);
    // What Core Web Vitals call good is below 0.1.
    expect(await fresh.evaluate("window.shift")).toBeLessThan(0.02);
    await fresh.close();
  });
});

describe("the console", () => {
  it("has no errors or warnings", () => {
    expect(driver.errors).toEqual([]);
    expect(start.notices).toEqual([]);
  });
});
