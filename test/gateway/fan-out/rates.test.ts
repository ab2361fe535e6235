import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareIds } from "../../../contract/ids.ts";
import type { DataMessage, HeartbeatMessage } from "../../../contract/messages.ts";
import { roomName } from "../../../contract/stream.ts";
import type { OutgoingOptions } from "../../../gateway/fan-out/outgoing.ts";
import { type FanOutHarness, type Pair, startFanOut } from "./harness.ts";

const channel = "market:prices" as const;
const markets = ["a", "b"];
const channelRoom = roomName({ channel });
const roomOf = (target: string): string => (target === "all" ? channelRoom : roomName({ channel, key: target }));
const marketsOf = (target: string): string[] => (target === "all" ? markets : [target]);

/** Sends numbered prices, as the gateway passes them to the fan-out. */
class Feed {
  readonly #harness: FanOutHarness;
  readonly #newest = new Map(markets.map((market) => [market, 0]));

  constructor(harness: FanOutHarness) {
    this.#harness = harness;
  }

  newest(market: string): number {
    return this.#newest.get(market) ?? 0;
  }

  content(market: string, prev: number, event?: string): OutgoingOptions {
    const data = { marketId: market, price: "0.5", time: 1 } as never;
    const message: DataMessage = {
      ...{ channel, marketId: market, data, id: `${this.newest(market)}-0`, prev: `${prev}-0` },
      ...(event ? { event } : {}),
    };
    return { event: "data", message, replaces: roomName({ channel, key: market }) };
  }

  publish(market: string): void {
    this.#newest.set(market, this.newest(market) + 1);
    const content = this.content(market, this.newest(market) - 1);
    this.#harness.fanOut.send({ room: roomOf(market), channelRoom }, content);
  }

  beat(target: string): void {
    const ids = Object.fromEntries(markets.map((market) => [market, `${this.newest(market)}-0`]));
    const message: HeartbeatMessage =
      target === "all" ? { channel, ids } : { channel, marketId: target, id: `${this.newest(target)}-0` };
    const room = roomOf(target);
    this.#harness.fanOut.send({ room }, { event: "heartbeat", message, replaces: `heartbeat of ${room}` });
  }

  /** Does what a `subscribe` without `lastId` does: the answer, the values, and live from there on. */
  subscribe({ member }: Pair, target: string, rate: number | undefined): void {
    const values = marketsOf(target).filter((market) => this.newest(market) > 0);
    const contents = values.map((market) => this.content(market, this.newest(market) - 1, "snapshot"));
    void this.#harness.fanOut.sendTo(member, [{ event: "subscribed", message: { channel } }, ...contents]);
    this.#harness.fanOut.join(member, roomOf(target), rate);
  }
}

/** Checks what a client has got against the rules. */
class Journal {
  readonly faults: string[] = [];
  readonly positions = new Map<string, string>();
  readonly #known = new Set(markets.map((name) => `${name} 0-0`));

  constructor({ client }: Pair) {
    for (const { name, value } of client.events) {
      if (name === "heartbeat") this.#hear(value as HeartbeatMessage);
      if (name === "data") this.#take(value as DataMessage);
    }
  }

  #hear({ marketId, id, ids = {} }: HeartbeatMessage): void {
    const heard = marketId === undefined || id === undefined ? Object.entries(ids) : [[marketId, id] as const];
    for (const [name, each] of heard) {
      const position = this.positions.get(name);
      const isOlder = position !== undefined && compareIds(each, position) < 0;
      if (isOlder && !this.#known.has(`${name} ${each}`)) this.faults.push(`heartbeat ${name} ${each} at ${position}`);
    }
  }

  #take({ marketId = "", id, prev, event }: DataMessage): void {
    const position = this.positions.get(marketId) ?? "0-0";
    if (compareIds(id, position) < 0) this.faults.push(`${marketId} ${id} after ${position}`);
    const isSnapshot = event !== undefined;
    if (this.positions.has(marketId) && !isSnapshot && prev !== position) {
      this.faults.push(`${marketId} ${id} follows ${prev}, not ${position}`);
    }
    this.positions.set(marketId, id);
    this.#known.add(`${marketId} ${id}`);
  }
}

const market = fc.constantFrom(...markets);
const target = fc.constantFrom(...markets, "all");
const client = fc.nat({ max: 1 });
const rate = fc.constantFrom(undefined, 10, 50);
const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant("publish" as const), market }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("beat" as const), target }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("subscribe" as const), client, target, rate }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("unsubscribe" as const), client, target }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("emit" as const), client }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("rest" as const), ms: fc.constantFrom(0, 0, 25) }) },
  ),
  { maxLength: 60 },
);

type Step = ReturnType<typeof steps.generate>["value"][number];

/** Plays a script. Returns the targets that each client is subscribed to at its end. */
async function play(feed: Feed, pairs: readonly Pair[], script: readonly Step[], { fanOut }: FanOutHarness) {
  const subscribed = new Map(pairs.map((pair) => [pair, new Set<string>()]));
  const perform = (step: Exclude<Step, { kind: "publish" | "beat" | "rest" }>, pair: Pair): void => {
    if (step.kind === "emit") pair.socket.emit("drain", { reconnectIn: 0 });
    else if (step.kind === "subscribe") {
      feed.subscribe(pair, step.target, step.rate);
      subscribed.get(pair)?.add(step.target);
    } else {
      fanOut.leave(pair.member, roomOf(step.target));
      subscribed.get(pair)?.delete(step.target);
    }
  };
  for (const step of script) {
    if (step.kind === "publish") feed.publish(step.market);
    else if (step.kind === "beat") feed.beat(step.target);
    else if (step.kind === "rest") await delay(step.ms);
    else for (const pair of pairs.slice(step.client, step.client + 1)) perform(step, pair);
  }
  return subscribed;
}

describe("rooms, lanes and heartbeats", () => {
  let harness: FanOutHarness;
  beforeAll(async () => {
    harness = await startFanOut();
  });
  afterAll(() => harness.stop());

  it("never deliver an older value after a newer one, always deliver the newest, and keep the `prev` chain complete, whatever is subscribed", {
    timeout: 180_000,
  }, async () => {
    const check = async (script: readonly Step[]): Promise<void> => {
      const feed = new Feed(harness);
      const pairs = await Promise.all([harness.connect(), harness.connect()]);
      const subscribed = await play(feed, pairs, script, harness);
      for (const [pair, targets] of subscribed) {
        for (const name of new Set([...targets].flatMap(marketsOf))) {
          if (feed.newest(name) === 0) continue;
          const position = (): string | undefined => new Journal(pair).positions.get(name);
          await expect.poll(position, { timeout: 5_000 }).toBe(`${feed.newest(name)}-0`);
        }
        pair.socket.emit("drain", { reconnectIn: 1 });
        const isOver = (): boolean => pair.client.events.some(({ value }) => Object(value).reconnectIn === 1);
        await expect.poll(isOver).toBe(true);
        expect(new Journal(pair).faults).toEqual([]);
        pair.client.close();
        harness.fanOut.disconnect(pair.member);
      }
    };
    await fc.assert(fc.asyncProperty(steps, check), { numRuns: 80 });
  });

  it("deliver the newest value also after another subscription before the tick", async () => {
    const feed = new Feed(harness);
    const pair = await harness.connect();
    feed.subscribe(pair, "a", 2);
    feed.publish("a");
    await delay(20);
    feed.publish("a");
    feed.subscribe(pair, "b", undefined);
    await expect.poll(() => new Journal(pair).positions.get("a")).toBe("2-0");
  });

  it("keep the values of a market with those of its whole channel, where one has a rate", async () => {
    const feed = new Feed(harness);
    const pair = await harness.connect();
    feed.subscribe(pair, "all", 10);
    feed.subscribe(pair, "a", undefined);
    for (let number = 1; number <= 100; number += 1) {
      feed.publish(number % 3 === 0 ? "b" : "a");
      await delay(5);
    }
    for (const name of markets) {
      await expect.poll(() => new Journal(pair).positions.get(name)).toBe(`${feed.newest(name)}-0`);
    }
    expect(new Journal(pair).faults).toEqual([]);
    const ofA = pair.client.messages.filter(({ marketId }) => marketId === "a");
    expect(ofA).toHaveLength(feed.newest("a"));
  });
});
