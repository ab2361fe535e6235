import { AxeBuilder } from "@axe-core/playwright";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type LinkProxy, openLinkProxy } from "../../drill/link-proxy.ts";
import type { OpenOptions, PageDriver } from "./page-driver.ts";
import { numbered, type PagePlatform, startPagePlatform } from "./page-platform.ts";

/** Every panel that shows data of a channel. */
const PANELS = ["account", "book", "market", "markets", "signals", "trades"];
const MARKET = "fed-cut-march";

/** A silence is noticed after 15 s, on a machine that is shared much later. */
const SILENCE = { timeout: 120_000 };
vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

let start: PagePlatform;
let page: LinkProxy;
let edge: LinkProxy;
let driver: PageDriver | undefined;

beforeAll(async () => {
  start = await startPagePlatform();
  [page, edge] = await Promise.all([openLinkProxy(start.platform.port), openLinkProxy(start.platform.edgePort)]);
});
afterEach(async () => {
  start.platform.balancer.cut(0);
  await driver?.context.close();
  driver = undefined;
});
afterAll(async () => {
  await Promise.all([page?.close(), edge?.close()]);
  await start?.stop();
});

async function open(options: Partial<OpenOptions> = {}): Promise<PageDriver> {
  driver = await start.open(options);
  await driver.signIn("Alice");
  const opened = driver;
  await expect.poll(() => areEnabled(opened)).toEqual([true, true]);
  return opened;
}

const openThroughProxies = () => open({ url: `http://localhost:${page.port}/`, managedEdgePort: edge.port });

const buyButtons = ({ page: shown }: PageDriver) => [
  shown.getByRole("button", { name: "Buy Yes" }),
  shown.getByRole("button", { name: "Buy No" }),
];

const areEnabled = (shown: PageDriver): Promise<boolean[]> =>
  Promise.all(buyButtons(shown).map((button) => button.isEnabled()));

async function goToManagedEdge(shown: PageDriver): Promise<void> {
  // By then nothing is left of the other connection: not its statuses either.
  const opened = shown.page.waitForEvent("websocket", (socket) => !socket.url().includes("socket.io"));
  await shown.page.getByRole("radio", { name: "Managed edge" }).check({ force: true });
  await opened;
  for (const name of ["market:prices", "market:orderbook", "user:orders"]) await shown.channel(name, "live").waitFor();
  await expect.poll(() => areEnabled(shown)).toEqual([true, true]);
}

const colourOf = (shown: PageDriver, selector: string): Promise<unknown> =>
  shown.page.evaluate(`getComputedStyle(document.querySelector(${JSON.stringify(selector)})).color`);

/** Elements with data, one of each panel. */
const SHOWN = [
  ".market-row .price.yes",
  ".quote .yes",
  ".book .bids .price",
  ".panel[data-area=trades] td:nth-child(3)",
  "[data-order] td:last-child",
  ".feed .headline",
];

const colours = (shown: PageDriver) => Promise.all(SHOWN.map((selector) => colourOf(shown, selector)));

/** Waits until every panel is dimmed and says `why`, with what nobody can buy by. */
async function expectNothingLive(shown: PageDriver, why: RegExp, before: readonly unknown[]): Promise<void> {
  await expect.poll(() => areEnabled(shown), SILENCE).toEqual([false, false]);
  await expect.poll(() => shown.panelsThatAre("not-live"), SILENCE).toEqual(PANELS);
  for (const area of PANELS) {
    const panel = shown.page.locator(`.panel[data-area=${area}]`);
    expect(await panel.locator(".freshness").textContent()).toMatch(why);
    expect(await panel.getByRole("button", { name: /^Retry now/ }).isVisible()).toBe(true);
  }
  for (const [index, colour] of (await colours(shown)).entries()) expect(colour).not.toBe(before[index]);
  expect(await shown.page.locator(".ticket-state").textContent()).toMatch(why);
  expect(await shown.page.getByTestId("verified").count()).toBe(0);
  expect(await shown.page.locator(".connection[data-status=connected]").count()).toBe(0);
}

async function expectAllLive(shown: PageDriver, before: readonly unknown[]): Promise<void> {
  await expect.poll(() => shown.panelsThatAre("live"), SILENCE).toEqual(PANELS);
  await expect.poll(() => colours(shown)).toEqual(before);
  await expect.poll(() => areEnabled(shown)).toEqual([true, true]);
  expect(await shown.page.getByRole("button", { name: /^Retry now/ }).count()).toBe(0);
  await shown.page.locator(".connection[data-status=connected]").waitFor();
}

async function violations(shown: PageDriver): Promise<string[]> {
  const { violations: found } = await new AxeBuilder({ page: shown.page }).analyze();
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} ${target}: ${failureSummary}`),
  );
}

/** Prices and trades that come while the page does not hear of them have to be right, and whole, afterwards. */
async function goAwayAndBack(shown: PageDriver, name: string, { leave, away, back }: Absence): Promise<void> {
  await start.trade(MARKET, `${name}-`, 1, 3);
  await start.price(name, "0.111");
  await expect.poll(() => shown.trades(`${name}-`)).toEqual(numbered(`${name}-`, 3));
  await expect.poll(() => shown.price(name)).toMatch(/11\.1¢$/);
  await shown.page.locator(".feed .headline").first().waitFor();
  await shown.page.locator("[data-order]").first().waitFor();
  const before = await colours(shown);

  await leave();
  await start.trade(MARKET, `${name}-`, 4, 9);
  await start.price(name, "0.222");
  await expectNothingLive(shown, away, before);
  await back();

  await expectAllLive(shown, before);
  await expect.poll(() => shown.trades(`${name}-`)).toEqual(numbered(`${name}-`, 9));
  await expect.poll(() => shown.price(name)).toMatch(/22\.2¢$/);
  await shown.expectWhole();
}

interface Absence {
  readonly leave: () => unknown;
  /** Text of each panel meanwhile. */
  readonly away: RegExp;
  readonly back: () => unknown;
}

const frozen = (proxy: LinkProxy): Absence => ({
  leave: () => proxy.freeze(),
  away: /(No answer|Reconnecting) since \d\d:\d\d:\d\d/,
  back: () => proxy.thaw(),
});

describe("without a network", () => {
  const away = /Offline since \d\d:\d\d:\d\d/;

  it("nothing is shown as live immediately; back online everything is live and correct", async () => {
    const shown = await open();
    const { context } = shown;
    const leave = () => context.setOffline(true);
    await goAwayAndBack(shown, "offline", { leave, away, back: () => context.setOffline(false) });
  });

  it("nothing is shown as live on the managed edge", async () => {
    const shown = await open();
    await goToManagedEdge(shown);
    const { context } = shown;
    const leave = () => context.setOffline(true);
    await goAwayAndBack(shown, "managed-offline", { leave, away, back: () => context.setOffline(false) });
  });

  it.each(["dark", "light"] as const)(
    "the %s page stays readable, and the layout does not shift",
    async (colorScheme) => {
      const shown = await open({ colorScheme });
      const before = await shown.shift();
      await shown.context.setOffline(true);
      await expect.poll(() => shown.panelsThatAre("not-live")).toEqual(PANELS);
      expect(await violations(shown)).toEqual([]);
      expect((await shown.shift()) - before).toBeLessThan(0.02);
    },
  );
});

describe("a connection that no longer answers", () => {
  it("is shown as not live; when it answers again everything is live and correct", async () => {
    await goAwayAndBack(await openThroughProxies(), "silent", frozen(page));
  });

  it("of the managed edge is shown the same way", async () => {
    const shown = await openThroughProxies();
    await goToManagedEdge(shown);
    await goAwayAndBack(shown, "managed-silent", frozen(edge));
  });
});

describe("Retry now", () => {
  it("makes another connection immediately, each time", async () => {
    const shown = await open();
    start.platform.balancer.cut(60_000);
    const retry = shown.panel("Trades").getByRole("button", { name: "Retry now: Trades" });
    for (let round = 0; round < 3; round += 1) {
      const attempt = shown.page.waitForEvent("websocket");
      await retry.click();
      await attempt;
    }
    start.platform.balancer.cut(0);
    await expect
      .poll(async () => {
        if (await retry.isVisible()) await retry.click();
        return shown.panelsThatAre("live");
      }, SILENCE)
      .toEqual(PANELS);
  });
});

describe("what the service no longer holds", () => {
  it("is shown as a gap until it is dismissed, and not as a missing message", async () => {
    const shown = await open();
    await start.trade(MARKET, "held-", 1, 2);
    await expect.poll(() => shown.trades("held-")).toHaveLength(2);
    start.platform.balancer.cut(60_000);
    await expect.poll(() => shown.panelsThatAre("not-live")).toEqual(PANELS);
    await start.tradeAtOnce(MARKET, "lost-", 450);
    start.platform.balancer.cut(0);
    const notice = shown
      .panel("Trades")
      .getByText(/^Some trades after \d\d:\d\d:\d\d are no longer held by the service/);
    await notice.waitFor({ timeout: 120_000 });
    await expect.poll(() => shown.panelsThatAre("live")).toEqual(PANELS);
    await expect.poll(() => shown.page.getByTestId("gaps").textContent()).toBe("1");
    expect(await shown.page.getByTestId("holes").textContent()).toBe("0");
    expect(await violations(shown)).toEqual([]);
    await shown.panel("Trades").getByRole("button", { name: "Dismiss" }).click();
    await notice.waitFor({ state: "detached" });
  }, 240_000);
});

describe("an order", () => {
  it("that is filled stays filled while the page switches to the other edge", async () => {
    const shown = await open();
    await shown.page.getByLabel("Shares").fill("19");
    await buyButtons(shown)[0]?.click();
    const filled = shown.page.getByText(/^Filled: 19 of 19 YES at \d/);
    await filled.waitFor();
    await shown.page.evaluate(`
      window.said = [];
      new MutationObserver(() => window.said.push(document.querySelector(".progress").textContent))
        .observe(document.querySelector(".progress"), { subtree: true, childList: true, characterData: true });
    `);
    await shown.page.getByRole("radio", { name: "Managed edge" }).check({ force: true });
    await shown.page.getByText(/^Filled: 19 of 19 YES at .* \(not current\)$/).waitFor();
    await expect.poll(() => shown.panelsThatAre("live")).toEqual(PANELS);
    await expect.poll(() => filled.textContent()).toMatch(/s$/);
    const said = (await shown.page.evaluate("window.said")) as string[];
    expect(said.filter((text) => !text.startsWith("Filled: 19 of 19"))).toEqual([]);
  });
});
