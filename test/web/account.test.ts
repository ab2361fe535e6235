import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PageDriver } from "./page-driver.ts";
import { type PagePlatform, startPagePlatform } from "./page-platform.ts";

let start: PagePlatform;
let alice: PageDriver;
let bob: PageDriver;

beforeAll(async () => {
  start = await startPagePlatform();
  [alice, bob] = await Promise.all([start.open(), start.open()]);
  await alice.signIn("Alice");
  await bob.signIn("Bob");
});
afterAll(() => start?.stop());

async function buy(driver: PageDriver, outcome: "Yes" | "No", shares: number): Promise<void> {
  await driver.page.getByLabel("Shares").fill(String(shares));
  await driver.page.getByRole("button", { name: `Buy ${outcome}` }).click();
}

describe("an order", () => {
  it("is followed to its fill", async () => {
    await buy(alice, "Yes", 11);
    await alice.page.getByText(/^Partially filled: 6 of 11 YES at \d/).waitFor();
    await alice.page.getByText(/^Filled: 11 of 11 YES at \d/).waitFor();
  });

  it("is in the list of orders, with what is filled", async () => {
    const row = alice.panel("Account of alice").getByRole("row").filter({ hasText: "11 / 11" });
    await row.getByText("Filled", { exact: true }).waitFor();
  });

  it("brings a notification and a position", async () => {
    const account = alice.panel("Account of alice");
    await account.getByRole("tab", { name: "Notifications" }).click();
    await account.getByText(/11 of 11 YES at .* on fed-cut-march/).waitFor();
    await buy(alice, "No", 7);
    await account.getByRole("tab", { name: "Portfolio" }).click();
    await account.getByRole("row").filter({ hasText: "Fed cuts rates in March" }).getByText("No").waitFor();
  });

  it("that costs more than the balance is rejected, with the reason", async () => {
    await buy(alice, "Yes", 1_000_000);
    await alice.page.getByText("Order rejected: Not enough balance").waitFor();
  });

  it.each(["", "0", "1.5", "1000001"])("of %j shares cannot be placed", async (shares) => {
    await alice.page.getByLabel("Shares").fill(shares);
    expect(await alice.page.getByRole("button", { name: "Buy Yes" }).isDisabled()).toBe(true);
    await alice.page.getByText("Enter a whole number of shares").waitFor();
  });

  it("that the platform does not answer is not reported as failed", async () => {
    await alice.page.route("**/dev/orders", (route) => route.abort());
    await buy(alice, "Yes", 5);
    await alice.page.getByText("No answer: whether the order was placed, Orders will show.").waitFor();
    await alice.page.unroute("**/dev/orders");
  });

  it("that the platform refuses is reported as not placed, with the reason", async () => {
    const refusal = {
      status: 404,
      contentType: "application/json",
      body: JSON.stringify({ message: "No such market." }),
    };
    await alice.page.route("**/dev/orders", (route) => route.fulfill(refusal));
    await buy(alice, "Yes", 5);
    await alice.page.getByText("The order was not placed. No such market.").waitFor();
    await alice.page.unroute("**/dev/orders");
  });
});

describe("copy trades", () => {
  it("of the user are shown", async () => {
    const account = alice.panel("Account of alice");
    await account.getByRole("tab", { name: "Copy trades" }).click();
    await account
      .getByRole("cell", { name: /^(Executed|Skipped)$/ })
      .first()
      .waitFor();
  });
});

describe("two users", () => {
  it("see their own orders alone", async () => {
    await alice
      .panel("Account of alice")
      .getByRole("tab", { name: /Orders/ })
      .click();
    await expect.poll(async () => (await alice.orders()).length).toBeGreaterThan(2);
    await buy(bob, "No", 13);
    await bob.page.getByText(/^Filled: 13 of 13 NO at \d/).waitFor();
    await expect.poll(async () => (await bob.orders()).length).toBeGreaterThan(2);
    expect((await alice.orders()).filter((id) => !id.startsWith("order-alice-"))).toEqual([]);
    expect((await bob.orders()).filter((id) => !id.startsWith("order-bob-"))).toEqual([]);
  });

  it("in one browser, one after the other: no data of the first stays", async () => {
    await bob.signIn("Alice");
    await expect.poll(async () => (await bob.orders()).length).toBeGreaterThan(2);
    expect((await bob.orders()).filter((id) => !id.startsWith("order-alice-"))).toEqual([]);
  });
});

describe("signing out", () => {
  it("ends private channels and keeps public ones", async () => {
    await alice.page.getByRole("radio", { name: "Guest" }).check({ force: true });
    await alice.page.getByRole("button", { name: "Sign in as alice" }).waitFor();
    expect(await alice.orders()).toEqual([]);
    await alice.channel("user:orders", "off").waitFor();
    await alice.channel("market:prices", "live").waitFor();
  });

  it("is what a new tab starts with, and a reload keeps who is signed in", async () => {
    await alice.page.getByRole("button", { name: "Sign in as bob" }).click();
    await alice.panel("Account of bob").waitFor();
    await alice.page.reload();
    await alice.panel("Account of bob").waitFor();
    const tab = await alice.context.newPage();
    await tab.goto(start.url);
    await tab.getByRole("button", { name: "Sign in as bob" }).waitFor();
    await tab.close();
  });
});

describe("the console", () => {
  it("has no errors or warnings", () => {
    expect([...alice.errorsBesideOutage, ...bob.errors]).toEqual([]);
    expect(start.notices).toEqual([]);
  });
});
