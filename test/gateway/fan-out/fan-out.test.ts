import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OutgoingOptions } from "../../../gateway/fan-out/outgoing.ts";
import { entry, type FanOutHarness, type Pair, startFanOut } from "./harness.ts";

const numbersOf = ({ client }: Pair, marketId: string): number[] =>
  client.messages.filter((message) => message.marketId === marketId).map(({ id }) => Number.parseInt(id, 10));

const beat = (marketId: string, number: number): OutgoingOptions => ({
  event: "heartbeat",
  message: { channel: "market:trades", marketId, id: `${number}-0` },
});

const markets = ["a", "b", "c"];

type Step =
  | { readonly kind: "send"; readonly market: string }
  | { readonly kind: "emit"; readonly client: number }
  | { readonly kind: "join" | "leave"; readonly client: number; readonly market: string }
  | { readonly kind: "turn" };

const market = fc.constantFrom(...markets);
const client = fc.nat({ max: 2 });
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("send" as const), market }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("emit" as const), client }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("join" as const, "leave" as const), client, market }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("turn" as const) }) },
  ),
  { maxLength: 60 },
);

/** Computes the messages of each market that each client must get, each with the number of emits before it. */
class Model {
  readonly rooms = new Map(markets.map((name) => [name, new Set<number>()]));
  readonly sent = new Map(markets.map((name) => [name, 0]));
  readonly emits = [0, 0, 0];
  readonly expected: string[][] = [[], [], []];

  next(name: string): number {
    const number = (this.sent.get(name) ?? 0) + 1;
    this.sent.set(name, number);
    for (const index of this.rooms.get(name) ?? []) {
      this.expected[index]?.push(`${name} ${number} after ${this.emits[index]}`);
    }
    return number;
  }
}

/** Returns the events that a client saw in the form of `Model.expected`. */
function seenBy({ client: { events } }: Pair): string[] {
  let emits = 0;
  return events.flatMap(({ name, value }) => {
    if (name === "drain") emits += 1;
    if (name !== "data") return [];
    const { marketId, id } = value as { marketId: string; id: string };
    return [`${marketId} ${Number.parseInt(id, 10)} after ${emits}`];
  });
}

const ofMarket = (lines: readonly string[], name: string): string[] => lines.filter((line) => line.startsWith(name));

async function play({ fanOut }: FanOutHarness, pairs: readonly Pair[], script: readonly Step[]): Promise<Model> {
  const model = new Model();
  for (const step of script) {
    if (step.kind === "turn") await new Promise((resolve) => setImmediate(resolve));
    else if (step.kind === "send") {
      const message = entry(step.market, model.next(step.market));
      fanOut.send({ room: step.market }, { event: "data", message });
    } else if (step.kind === "emit") {
      pairs[step.client]?.socket.emit("drain", { reconnectIn: 0 });
      model.emits[step.client] = (model.emits[step.client] ?? 0) + 1;
    } else {
      const member = pairs[step.client]?.member;
      if (!member) throw new Error("no such client");
      fanOut[step.kind](member, step.market);
      model.rooms.get(step.market)?.[step.kind === "join" ? "add" : "delete"](step.client);
    }
  }
  return model;
}

describe.each([
  { way: "with direct writes", isDirect: true, transports: ["websocket"] },
  { way: "with Socket.IO's writes", isDirect: false, transports: ["websocket"] },
  { way: "to long polling", isDirect: true, transports: ["polling"] },
])("the fan-out $way", ({ isDirect, transports }) => {
  let harness: FanOutHarness;
  beforeAll(async () => {
    harness = await startFanOut({ isDirect });
  });
  afterAll(() => harness.stop());

  it("delivers to every member what was sent during its membership, in order, together with Socket.IO's own messages", async () => {
    const check = async (script: readonly Step[]): Promise<void> => {
      const pairs = await Promise.all([0, 1, 2].map(() => harness.connect(transports)));
      const model = await play(harness, pairs, script);
      for (const pair of pairs) pair.socket.emit("drain", { reconnectIn: 0 });
      for (const [index, pair] of pairs.entries()) {
        const last = (): number => pair.client.events.filter(({ name }) => name === "drain").length;
        await expect.poll(last).toBe((model.emits[index] ?? 0) + 1);
        for (const name of markets) {
          expect(ofMarket(seenBy(pair), name)).toEqual(ofMarket(model.expected[index] ?? [], name));
        }
        pair.client.close();
      }
    };
    await fc.assert(fc.asyncProperty(steps, check), { numRuns: 40 });
  });
});

describe("the fan-out", () => {
  let harness: FanOutHarness;
  beforeAll(async () => {
    harness = await startFanOut();
  });
  afterAll(() => harness.stop());

  it("sends a message once to a client that is in the room and in the whole channel's", async () => {
    const pair = await harness.connect();
    for (const room of ["one", "all"]) harness.fanOut.join(pair.member, room);
    for (const number of [1, 2, 3]) {
      harness.fanOut.send({ room: "one", channelRoom: "all" }, { event: "data", message: entry("one", number) });
    }
    harness.fanOut.send({ room: "other", channelRoom: "all" }, { event: "data", message: entry("other", 1) });
    await expect.poll(() => numbersOf(pair, "other")).toEqual([1]);
    expect(numbersOf(pair, "one")).toEqual([1, 2, 3]);
  });

  it("sends it once also if a heartbeat of the room follows in the same tick", async () => {
    const pair = await harness.connect();
    for (const room of ["beaten", "every"]) harness.fanOut.join(pair.member, room);
    harness.fanOut.send({ room: "beaten", channelRoom: "every" }, { event: "data", message: entry("beaten", 1) });
    harness.fanOut.send({ room: "beaten" }, beat("beaten", 1));
    harness.fanOut.send({ room: "last", channelRoom: "every" }, { event: "data", message: entry("last", 1) });
    await expect.poll(() => numbersOf(pair, "last")).toEqual([1]);
    expect(numbersOf(pair, "beaten")).toEqual([1]);
  });

  it("sends a heartbeat alone where no message comes", async () => {
    const pair = await harness.connect();
    harness.fanOut.join(pair.member, "quiet");
    harness.fanOut.send({ room: "quiet" }, beat("quiet", 7));
    await expect.poll(() => pair.client.heartbeats.map(({ id }) => id)).toEqual(["7-0"]);
  });

  it("conflates replaced messages, and keeps the `prev` chain complete for old and new members", async () => {
    const [early, late] = await Promise.all([harness.connect(), harness.connect()]);
    const send = (number: number): void =>
      harness.fanOut.send({ room: "price" }, { event: "data", message: entry("price", number), replaces: "price" });
    harness.fanOut.join(early.member, "price");
    for (const number of [1, 2, 3]) send(number);
    harness.fanOut.join(late.member, "price");
    for (const number of [4, 5, 6]) send(number);
    for (const pair of [early, late]) await expect.poll(() => numbersOf(pair, "price").at(-1)).toBe(6);
    expect(numbersOf(early, "price")).toEqual([3, 6]);
    expect(numbersOf(late, "price")).toEqual([6]);
    expect(early.client.messages.map(({ prev }) => prev)).toEqual(["0-0", "3-0"]);
    expect(late.client.messages.map(({ prev }) => prev)).toEqual(["3-0"]);
  });

  it("delivers the newest value at each member's rate, with a complete `prev` chain", async () => {
    const [fast, slow, joining] = await Promise.all([harness.connect(), harness.connect(), harness.connect()]);
    harness.fanOut.join(fast.member, "rate");
    harness.fanOut.join(slow.member, "rate", 2);
    const send = (number: number): void =>
      harness.fanOut.send({ room: "rate" }, { event: "data", message: entry("rate", number), replaces: "rate" });
    for (let number = 1; number <= 20; number += 1) {
      send(number);
      await expect.poll(() => numbersOf(fast, "rate").at(-1)).toBe(number);
    }
    harness.fanOut.join(joining.member, "rate", 2);
    send(21);
    for (const pair of [fast, slow, joining]) await expect.poll(() => numbersOf(pair, "rate").at(-1)).toBe(21);
    expect(numbersOf(fast, "rate")).toHaveLength(21);
    expect(numbersOf(slow, "rate").length).toBeLessThan(21);
    expect(numbersOf(joining, "rate")).toEqual([21]);
    const chain = (pair: Pair) => pair.client.messages.map(({ id, prev }) => [prev, id]);
    expect(chain(joining)).toEqual([["20-0", "21-0"]]);
    for (const [index, [prev]] of chain(slow).entries()) expect(prev).toBe(chain(slow)[index - 1]?.[1] ?? "0-0");
  });
});

describe("a heartbeat", () => {
  it("is sent before the next message of its room, in the same write, or immediately to a client that leaves", async () => {
    const flushes: { messages: number; writes: number }[] = [];
    const deferring = await startFanOut({
      heartbeatDeferMs: 600_000,
      onFlush: ({ messages, writes }) => flushes.push({ messages, writes }),
    });
    const [staying, leaving] = await Promise.all([deferring.connect(), deferring.connect()]);
    for (const { member } of [staying, leaving]) deferring.fanOut.join(member, "one");

    deferring.fanOut.send({ room: "one" }, beat("one", 0));
    deferring.fanOut.leave(leaving.member, "one");
    await expect.poll(() => leaving.client.heartbeats.length).toBe(1);
    expect([flushes, staying.client.heartbeats]).toEqual([[], []]);
    deferring.fanOut.send({ room: "one" }, { event: "data", message: entry("one", 1) });

    await expect.poll(() => numbersOf(staying, "one")).toEqual([1]);
    expect(staying.client.events.map(({ name }) => name)).toEqual(["heartbeat", "data"]);
    // With the heartbeat that the leaving client got at once.
    expect(flushes).toEqual([{ messages: 3, writes: 2 }]);
    expect(numbersOf(leaving, "one")).toEqual([]);
    await deferring.stop();
  });
});
