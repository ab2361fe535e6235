import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { connectClient } from "../support/client.ts";
import type { PageDriver } from "./page-driver.ts";
import { numbered, type PagePlatform, startPagePlatform } from "./page-platform.ts";

/** Before, during and after; all of them have to be on the page, once and in order. */
const TRADES = 45;
const MARKET = "mars-landing-2030";
const TITLE = "Humans on Mars by 2030";

let start: PagePlatform;
let driver: PageDriver;

beforeAll(async () => {
  start = await startPagePlatform();
});
afterAll(() => start?.stop());

beforeEach(async () => {
  await driver?.context.close();
  // So that the one connection that a gateway has is ours.
  await vi.waitUntil(
    async () => (await start.platform.fleet.describe()).every(({ connections }) => connections === 0),
    {
      timeout: 10_000,
    },
  );
  start.platform.balancer.cut(0);
  driver = await start.open();
  await driver.signIn("Alice");
  await driver.chooseMarket(TITLE);
  await driver.channel("market:trades", "live").waitFor();
});

const isResuming = () => driver.channel("market:trades", "resuming").waitFor();

/** Trades before, during and after `outage`; then all of them have to be there. */
async function expectNothingMissing(prefix: string, outage: () => Promise<unknown>): Promise<void> {
  await start.trade(MARKET, prefix, 1, 15);
  await expect.poll(() => driver.trades(prefix)).toEqual(numbered(prefix, 15));
  await Promise.all([outage(), start.trade(MARKET, prefix, 16, 30)]);
  await start.trade(MARKET, prefix, 31, TRADES);
  await expect.poll(() => driver.trades(prefix)).toEqual(numbered(prefix, TRADES));
  await driver.channel("market:trades", "live").waitFor();
  await driver.channel("user:orders", "live").waitFor();
  await driver.expectWhole();
  expect(driver.errorsBesideOutage).toEqual([]);
}

const restarts = async (gateway: string): Promise<number> =>
  Number(await driver.page.locator(`[data-gateway="${gateway}"]`).getAttribute("data-restarts"));

/** Presses the button of the gateway that the page is connected to, and waits until the fleet is whole again. */
async function press(how: "Drain" | "Kill"): Promise<void> {
  const own = driver.page.locator("[data-gateway]").filter({ hasText: "1 open" });
  await own.waitFor();
  const name = String(await own.getAttribute("data-gateway"));
  const before = await restarts(name);
  await own.getByRole("button", { name: how }).click();
  await expect.poll(() => restarts(name)).toBe(before + 1);
  await driver.page.locator(`[data-gateway="${name}"] [data-status=ready]`).waitFor();
}

describe("every message arrives exactly once", () => {
  it("after the connection was cut for three seconds", async () => {
    await expectNothingMissing("cut-", async () => {
      await driver.page.getByRole("button", { name: "Cut the connection" }).click();
      await isResuming();
    });
  });

  it("after the browser was offline", async () => {
    const elsewhere = await connectClient(start.platform.fleet.gateways[0]?.url ?? "");
    await elsewhere.ask("subscribe", { channel: "market:trades", marketId: MARKET });
    await expectNothingMissing("offline-", async () => {
      // A browser that is offline hears nothing, not even that its connection has ended.
      await driver.context.setOffline(true);
      start.platform.balancer.cut(60_000);
      await driver.page.locator(".connection[data-status=offline]").waitFor();
      await start.trade(MARKET, "while-offline-", 1, 5);
      await expect
        .poll(() => elsewhere.of("market:trades").map(({ data }) => data))
        .toContainEqual(expect.objectContaining({ id: "while-offline-5" }));
      expect(await driver.trades("while-offline-")).toEqual([]);
      start.platform.balancer.cut(0);
      await driver.context.setOffline(false);
    });
    expect(await driver.trades("while-offline-")).toEqual(numbered("while-offline-", 5));
    elsewhere.close();
  });

  it("after a gateway drained as in a deployment", async () => {
    await expectNothingMissing("drain-", () => press("Drain"));
  });

  it("after a gateway crashed", async () => {
    await expectNothingMissing("kill-", () => press("Kill"));
  });
});

describe("on the managed edge", () => {
  it("every message arrives exactly once after the connection was down for three seconds", async () => {
    await driver.page.getByRole("radio", { name: "Managed edge" }).check({ force: true });
    await driver.channel("market:trades", "live").waitFor();
    await driver.channel("user:orders", "live").waitFor();
    await expect.poll(async () => (await driver.orders()).length).toBeGreaterThan(0);
    await expectNothingMissing("managed-", async () => {
      await driver.page.getByRole("button", { name: "Cut the connection" }).click();
      await isResuming();
    });
  });
});

describe("an order that is filled while the connection is down", () => {
  it("is shown as filled when the connection is back", async () => {
    await driver.page.getByLabel("Shares").fill("17");
    await driver.page.getByRole("button", { name: "Buy Yes" }).click();
    await driver.page.getByRole("button", { name: "Cut the connection" }).click();
    await driver.channel("user:orders", "resuming").waitFor();
    await driver.page.getByText(/^Filled: 17 of 17 YES at \d/).waitFor();
    await driver.expectWhole();
  });
});
