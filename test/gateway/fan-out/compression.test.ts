import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { entry, type FanOutHarness, type Pair, startFanOut } from "./harness.ts";

const CLIENTS = 60;
const MESSAGES = 200;

const idsOf = ({ client }: Pair, marketId: string): string[] =>
  client.messages.filter((message) => message.marketId === marketId).map(({ id }) => id);

const upTo = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index + 1}-0`);

describe("flushes compressed once for all clients", () => {
  let harness: FanOutHarness;
  let writtenBytes = 0;
  beforeAll(async () => {
    harness = await startFanOut({ isCompressed: true, onFlush: ({ bytes }) => (writtenBytes += bytes) });
  });
  afterAll(() => harness.stop());

  async function send(rooms: readonly string[], first: number, last: number): Promise<void> {
    for (let number = first; number <= last; number += 1) {
      for (const room of rooms) harness.fanOut.send({ room }, { event: "data", message: entry(room, number) });
      if (number % 7 === 0) await nextTurn();
    }
  }

  it("reach stock clients complete, whatever they received before and whoever shares their rooms", async () => {
    const pairs = await Promise.all(Array.from({ length: CLIENTS }, () => harness.connect()));
    for (const { member } of pairs) harness.fanOut.join(member, "all");
    // Two rooms with some clients in both, so that what they got last differs.
    for (const [index, { member }] of pairs.entries()) if (index >= 3) harness.fanOut.join(member, "most");
    await send(["all"], 1, 20);
    await send(["all", "most"], 21, MESSAGES);
    const late = await harness.connect();
    harness.fanOut.join(late.member, "all");
    await send(["all"], MESSAGES + 1, MESSAGES + 20);
    for (const [index, pair] of pairs.entries()) {
      await expect.poll(() => idsOf(pair, "all")).toEqual(upTo(MESSAGES + 20));
      const most = index >= 3 ? upTo(MESSAGES).slice(20) : [];
      await expect.poll(() => idsOf(pair, "most")).toEqual(most);
    }
    await expect.poll(() => idsOf(late, "all")).toEqual(upTo(MESSAGES + 20).slice(MESSAGES));
  });

  it("cost fewer bytes than they carry", async () => {
    const pairs = await Promise.all(Array.from({ length: CLIENTS }, () => harness.connect()));
    for (const { member } of pairs) harness.fanOut.join(member, "size");
    writtenBytes = 0;
    await send(["size"], 1, MESSAGES);
    for (const pair of pairs) await expect.poll(() => idsOf(pair, "size")).toEqual(upTo(MESSAGES));
    const plainBytes = CLIENTS * upTo(MESSAGES).length * JSON.stringify(entry("size", 100)).length;
    expect(writtenBytes).toBeLessThan(plainBytes / 4);
  });

  it("are not used for clients without compression, nor for small rooms", async () => {
    const pairs = await Promise.all(Array.from({ length: 3 }, () => harness.connect()));
    for (const { member } of pairs) harness.fanOut.join(member, "small");
    writtenBytes = 0;
    await send(["small"], 1, 10);
    for (const pair of pairs) await expect.poll(() => idsOf(pair, "small")).toEqual(upTo(10));
    expect(writtenBytes).toBeGreaterThan(3 * 10 * JSON.stringify(entry("small", 1)).length);
  });
});
