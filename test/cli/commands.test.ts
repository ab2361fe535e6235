import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LocalPlatform } from "../../local/platform.ts";
import { startQuietPlatform } from "../../local/quiet-platform.ts";
import { examples } from "../support/messages.ts";
import { jsonLines, startVezta, vezta } from "../support/vezta.ts";

const folder = mkdtempSync(join(tmpdir(), "vezta-cli-"));
let platform: LocalPlatform;
let url: string[];
beforeAll(async () => {
  platform = await startQuietPlatform();
  url = ["--url", `http://127.0.0.1:${platform.port}`];
});
afterAll(async () => {
  await platform.stop();
  rmSync(folder, { recursive: true });
});

const example = (detailType: string) => examples.find(({ DetailType }) => DetailType === detailType);

function writeEvents(name: string, events: readonly unknown[]): string {
  const file = join(folder, name);
  writeFileSync(file, events.map((event) => JSON.stringify(event)).join("\n"));
  return file;
}

const trades = (count: number) =>
  Array.from({ length: count }, (_, index) => {
    const { Source, DetailType, Detail } = example("TradeExecuted") ?? {};
    return { Source, DetailType, Detail: { ...Detail, id: `t${index}-${Math.random()}`, marketId: "m1" } };
  });

describe("vezta", () => {
  it("without a command, and with an unknown one, prints its help and ends with 2", async () => {
    const [none, unknown] = await Promise.all([vezta([]), vezta(["listen"])]);

    expect([none.code, unknown.code]).toEqual([2, 2]);
    expect(none.stderr).toContain("Usage: vezta");
    expect(unknown.stderr).toContain("unknown command 'listen'");
  });

  it.each([
    "tail",
    "publish",
    "inspect",
    "doctor",
    "smoke",
    "load",
    "record",
    "replay",
    "reset",
    "kick",
    "drain",
    "redrive",
    "plan",
  ])("teaches %s by examples", async (name) => {
    const { code, stdout } = await vezta([name, "--help"]);

    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: vezta ${name}`));
    expect(stdout).toMatch(/Examples?:\n {2}vezta /);
  });
});

describe("vezta publish and tail", () => {
  it("publishes a file of events, and tail proves that every one came", async () => {
    const file = writeEvents("trades.jsonl", trades(25));
    const tail = vezta([
      "tail",
      "market:trades",
      "--market",
      "m1",
      "--from",
      "0-0",
      "--verify",
      "--count",
      "25",
      "--json",
      ...url,
    ]);

    const published = await vezta(["publish", file, "--json", ...url]);

    expect(published.code).toBe(0);
    expect(jsonLines(published)).toHaveLength(25);
    const run = await tail;
    expect(run.code).toBe(0);
    const lines = jsonLines<{ channel?: string; verified?: object }>(run);
    expect(lines.filter(({ channel }) => channel === "market:trades")).toHaveLength(25);
    expect(lines.at(-1)?.verified).toMatchObject({ messages: 25, streams: 1, links: 24, broken: 0, gaps: 0 });
  });

  it("proves the sums of a state channel", async () => {
    const book = example("OrderBookChanged");
    const books = [1, 2, 3].map((size) => ({
      ...book,
      Detail: {
        ...book?.Detail,
        marketId: "b1",
        time: Date.now() + size,
        yes: { bids: [["0.4", String(size)]], asks: [] },
      },
    }));
    const tail = vezta(["tail", "market:orderbook", "--market", "b1", "--verify", "--count", "1", "--json", ...url]);
    const published = await vezta(["publish", writeEvents("books.json", books), ...url]);
    expect(published.code).toBe(0);

    const run = await tail;

    expect(run.code).toBe(0);
    expect(jsonLines<{ verified?: object }>(run).at(-1)?.verified).toMatchObject({ wrongStates: 0 });
    expect(run.stdout).toContain('"verifiedStates":1');
  });

  it("a user's own channel needs the user's token, over either edge", async () => {
    const order = example("OrderChanged");
    const file = writeEvents("order.json", [
      { ...order, Detail: { ...order?.Detail, userId: "tina", time: Date.now() } },
    ]);
    expect((await vezta(["publish", file, ...url])).code).toBe(0);
    const tail = ["tail", "user:orders", "--from", "0-0", "--count", "1", ...url];

    const [anonymous, gateway, edge] = await Promise.all([
      vezta(tail),
      vezta([...tail, "--sub", "tina"]),
      vezta([...tail, "--sub", "tina", "--managed"]),
    ]);

    expect([anonymous.code, gateway.code, edge.code]).toEqual([1, 0, 0]);
    expect(anonymous.stderr).toContain("needs a valid token");
    expect(gateway.stdout).toContain("user:orders");
    expect(edge.stdout).toContain("user:orders");
  });

  it("ends with Ctrl-C", async () => {
    const child = startVezta(["tail", "market:prices", "--verify", ...url]);
    const [line] = await once(child.stderr, "data");
    expect(String(line)).toContain("connecting");
    child.kill("SIGINT");

    expect(await once(child, "exit")).toEqual([0, null]);
  });

  it.each([
    ["an unknown channel", ["tail", "market:nothing"], "there are market:prices"],
    ["a market where there is none", ["tail", "monitor:signals", "--market", "m"], "not split by market"],
    ["a file that is not there", ["publish", "/no/such/file"], "ENOENT"],
    [
      "a token for a deployed system by name",
      ["tail", "user:orders", "--sub", "a", "--url", "https://deployed.test"],
      "--sub needs a local system",
    ],
    [
      "a bus that nobody named",
      [
        "publish",
        join(import.meta.dirname, "../../contract/examples/order-changed.json"),
        "--url",
        "https://deployed.test",
      ],
      "--bus",
    ],
    ["a Redis that nobody named", ["inspect", "--url", "https://deployed.test"], "RT_REDIS_URL"],
  ])("refuses %s with exit code 2", async (_name, values, reason) => {
    const run = await vezta(values.includes("--url") ? values : [...values, ...url]);

    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining(reason)]);
  });

  it("refuses an invalid event by its field, and publishes none of the file", async () => {
    const [good, bad] = trades(2);
    const file = writeEvents("bad.jsonl", [good, { ...bad, Detail: { ...bad?.Detail, price: 2 } }]);

    const [run, checked] = await Promise.all([vezta(["publish", file, ...url]), vezta(["publish", file, "--check"])]);

    for (const each of [run, checked])
      expect([each.code, each.stderr]).toEqual([2, expect.stringContaining("detail.price")]);
  });

  it("takes events from standard input", async () => {
    const run = await vezta(["publish", "-", "--check", "--json"], { input: JSON.stringify(trades(3)) });

    expect(jsonLines(run)).toEqual([{ valid: 3 }]);
  });
});

describe("vezta inspect and reset", () => {
  it("shows gateways, rooms, streams and a user, as JSON and as text", async () => {
    const tail = startVezta(["tail", "user:orders", "--sub", "uma", ...url]);
    await vezta(["publish", writeEvents("one.json", trades(1)), ...url]);
    const ask = async (...values: string[]) =>
      jsonLines<never>(await vezta(["inspect", ...values, "--json", ...url]))[0];

    await expect.poll(() => ask("user", "uma")).toContainEqual(expect.objectContaining({ gateways: 1 }));
    expect(await ask("gateways")).toMatchObject([{ state: "ready" }]);
    expect(await ask("rooms")).toContainEqual({ room: "{user:orders:uma}", gateways: 1 });
    expect(await ask("streams", "market:trades")).toMatchObject([{ stream: { key: "m1" } }]);
    expect(await ask("stream", "market:trades", "--key", "m1", "--entries", "2")).toMatchObject({ newest: [{}, {}] });
    expect(await ask()).toMatchObject({
      gateways: [{}],
      channels: expect.arrayContaining([expect.objectContaining({ channel: "market:trades" })]),
    });
    const text = await vezta(["inspect", ...url]);
    expect(text.stdout).toMatch(/GATEWAY +STATE[\s\S]*market:trades +1/);
    tail.kill("SIGINT");
  });

  it("resets after a yes, and not without", async () => {
    await vezta(["publish", writeEvents("reset.json", trades(1)), ...url]);
    const reset = ["reset", "market:trades", "--key", "m1", ...url];

    const refused = await vezta(reset, { input: "no\n" });
    const nobody = await vezta(reset);
    const done = await vezta(reset, { input: "yes\n" });

    expect([refused.code, nobody.code, done.code]).toEqual([1, 1, 0]);
    expect(done.stdout).toMatch(/^reset market:trades m1: \d+ entries deleted\n$/);
  });
});

describe("vezta kick and drain", () => {
  it("kicks a user", async () => {
    const tail = startVezta(["tail", "user:orders", "--sub", "vera", ...url]);
    let log = "";
    tail.stderr.on("data", (chunk) => {
      log += chunk;
    });
    await expect.poll(() => log).toContain("connected");

    expect((await vezta(["kick", "--user", "vera", ...url])).code).toBe(0);

    await expect.poll(() => log).toMatch(/connected\n[\s\S]*connecting/);
    tail.kill("SIGINT");
  });

  it("refuses a kick of nobody, and a drain of a gateway that does not run", async () => {
    const [kick, drain] = await Promise.all([vezta(["kick", ...url]), vezta(["drain", "nobody", "--yes", ...url])]);

    expect([kick.code, kick.stderr]).toEqual([2, expect.stringContaining("--user or --connection")]);
    expect([drain.code, drain.stderr]).toEqual([2, expect.stringContaining("no gateway nobody runs")]);
  });

  it("drains a gateway, which is replaced", async () => {
    const gateways = async () =>
      jsonLines<readonly { id: string }[]>(await vezta(["inspect", "gateways", "--json", ...url]))[0] ?? [];
    const [before] = await gateways();

    const run = await vezta(["drain", String(before?.id), "--yes", "--json", ...url]);

    expect(jsonLines(run)).toMatchObject([{ type: "drain", gateway: before?.id }]);
    await expect.poll(async () => (await gateways()).map(({ id }) => id !== before?.id)).toEqual([true]);
  });
});
