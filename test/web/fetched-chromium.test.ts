import { afterAll, beforeAll, expect, it } from "vitest";
import { launchProgram } from "../support/browser.ts";
import { findChromium } from "../support/chromium.ts";
import { type PagePlatform, startPagePlatform } from "./page-platform.ts";

let start: PagePlatform;
beforeAll(async () => {
  start = await startPagePlatform(50, async () => launchProgram(await findChromium({ searchPath: "" })));
});
afterAll(() => start?.stop());

it("the page works in the Chromium that a machine without one fetches, with no error in its console", async () => {
  const driver = await start.open();
  const prices = await driver.prices();

  await expect.poll(async () => JSON.stringify(await driver.prices())).not.toBe(JSON.stringify(prices));
  await expect.poll(() => driver.panelsThatAre("not-live")).toEqual([]);
  expect(driver.errors).toEqual([]);
});
