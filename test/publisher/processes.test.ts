import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Platform, startPlatform } from "../support/platform.ts";

const ENTRY = join(import.meta.dirname, "../support/publishing-process.ts");
const run = promisify(execFile);

const COUNT = 240;

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
});
afterAll(() => platform.stop());

it("an event that several processes publish at the same time reaches a client once", async () => {
  const client = await platform.connect({ user: "racing" });
  await client.ask("subscribe", { channel: "user:orders" });

  // Calls of different sizes, so that the processes meet in the middle of each other's batches.
  const sizes = [1, 2, 8, 40];
  const runs = sizes.map((size) => run(process.execPath, [ENTRY, platform.redis.url, "racing", `${COUNT}`, `${size}`]));
  const statuses = (await Promise.all(runs)).map(({ stdout }): Record<string, number> => JSON.parse(stdout));

  const sum = (status: string) => statuses.reduce((total, each) => total + (each[status] ?? 0), 0);
  expect([sum("published"), sum("duplicate")]).toEqual([COUNT, COUNT * (sizes.length - 1)]);
  const received = await client.waitForMessages("user:orders", COUNT);
  expect(new Set(received.map(({ data }) => ("id" in data ? data.id : undefined))).size).toBe(COUNT);
  expect(received).toHaveLength(COUNT);
  expect(received.slice(1).map(({ prev }) => prev)).toEqual(received.slice(0, -1).map(({ id }) => id));
});
