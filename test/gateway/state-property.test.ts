import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { DataEvent } from "../../contract/messages.ts";
import { orderBookFormat } from "../../contract/state/order-book-format.ts";
import { sumOf } from "../../contract/state/verified-state.ts";
import type { Publisher } from "../../kernel/streams/publisher.ts";
import { readState } from "../../kernel/streams/stored-state.ts";
import { type Book, book, bookMessage, nextTime, price } from "../support/books.ts";
import type { TestClient } from "../support/client.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { StateReceiver } from "../support/state-receiver.ts";
import { type Fault, type InProcessGateway, startInProcess } from "./in-process.ts";

const channel = "market:orderbook";
const DEPTH = 5;

let redis: TestRedis;
let gateway: InProcessGateway;
let publishers: Publisher[];
let runs = 0;

beforeAll(async () => {
  redis = await startTestRedis("a single Redis");
  gateway = await startInProcess(redis, { wholeValueRate: 50 });
  publishers = [redis.addPublisher(), redis.addPublisher()];
});
afterAll(async () => {
  await gateway.stop();
  await redis.stop();
});

/** What a client asks for: every kind of subscriber that a stream can have. */
const requests = [
  { changes: true },
  { changes: true, maxRate: 50 },
  { changes: true, depth: DEPTH },
  { depth: DEPTH },
  {},
] as const;

type Request = (typeof requests)[number];

const position = fc.nat({ max: requests.length - 1 });
const sizes = fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 12 });

type Step =
  | { readonly do: "whole"; readonly bids: number[]; readonly asks: number[] }
  | { readonly do: "change"; readonly level: number; readonly size: number }
  | { readonly do: "lose" | "double" | "hold" | "pass on" }
  | { readonly do: "come back"; readonly client: number; readonly forgets: boolean }
  | { readonly do: "change the request"; readonly client: number; readonly to: number }
  | { readonly do: "wait" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("whole" as const), bids: sizes, asks: sizes }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("change" as const), level: fc.nat({ max: 11 }), size: fc.nat({ max: 9 }) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom("lose", "double", "hold", "pass on") }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("come back" as const), client: position, forgets: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("change the request" as const), client: position, to: position }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const) }) },
);

/** Loses, doubles or holds back the Pub/Sub messages, as the steps say. */
class Faults {
  readonly #held: (() => void)[] = [];
  mode: "lose" | "double" | "hold" | "pass on" = "pass on";

  readonly fault: Fault = (body, pass) => {
    if (this.mode === "lose") return;
    if (this.mode === "hold") this.#held.push(() => pass(body));
    else pass(body);
    if (this.mode === "double") pass(body);
  };

  set(mode: Faults["mode"]): void {
    this.mode = mode;
    if (mode === "hold") return;
    // The last ones first.
    for (const pass of this.#held.splice(0).toReversed()) pass();
  }
}

/** A client that keeps one market by the rules of docs/protocol.md, and asks again where its value is not proven. */
class Follower {
  readonly receiver = new StateReceiver();
  readonly #client: TestClient;
  readonly #marketId: string;
  request: Request;
  #asked: Promise<unknown> = Promise.resolve();
  /** Times that it had to ask again. */
  repairs = 0;

  constructor(client: TestClient, marketId: string, request: Request) {
    this.#client = client;
    this.#marketId = marketId;
    this.request = request;
    client.socket.on("data", (message: DataEvent) => {
      if (message.marketId !== marketId || message.depth !== ("depth" in this.request ? DEPTH : undefined)) return;
      if (this.receiver.take(message)) return;
      this.repairs += 1;
      void this.ask(undefined);
    });
  }

  ask(lastId: string | undefined): Promise<unknown> {
    const resume = lastId === undefined ? {} : { lastId };
    this.#asked = this.#client.ask("subscribe", { channel, marketId: this.#marketId, ...this.request, ...resume });
    return this.#asked;
  }

  get settled(): Promise<unknown> {
    return this.#asked;
  }

  async leave(): Promise<void> {
    await this.#client.ask("unsubscribe", { channel, marketId: this.#marketId });
  }
}

const changed = (key: string, level: number, size: number) => ({
  ...({ channel, key, eventId: String(nextTime()) } as const),
  changes: {
    head: { time: nextTime() },
    rows: { [`yes.bids.${price(5_000 - level)}`]: size === 0 ? null : String(size) },
  },
});

async function perform(action: Step, followers: readonly Follower[], marketId: string, faults: Faults): Promise<void> {
  const publisher = publishers[nextTime() % 2] as Publisher;
  if (action.do === "whole") await publisher.publish([bookMessage(book(marketId, action.bids, action.asks))]);
  else if (action.do === "change") await publisher.publish([changed(marketId, action.level, action.size)]);
  else if (action.do === "come back") {
    const follower = followers[action.client];
    await follower?.leave();
    await publisher.publish([changed(marketId, action.client, 7)]);
    await follower?.ask(action.forgets ? undefined : follower.receiver.lastId);
  } else if (action.do === "change the request") {
    const follower = followers[action.client];
    if (!follower) return;
    // The one that waits for an answer may have the view of before.
    await follower.settled;
    follower.request = requests[action.to] ?? {};
    await follower.ask(undefined);
  } else if (action.do === "wait") await nextTurn();
  else faults.set(action.do);
}

/** The canonical text of a value; of a depth without the time, which changes without a message. */
function textOf(value: unknown, request: Request): string {
  if (!("depth" in request)) return JSON.stringify(value);
  return JSON.stringify({ ...(value as Book), time: 0 });
}

async function everyClientHasTheValue(steps: readonly Step[]): Promise<void> {
  runs += 1;
  const marketId = `property-${runs}`;
  const faults = new Faults();
  gateway.pubSub.fault = faults.fault;
  await publishers[0]?.publish([bookMessage(book(marketId, [1, 2, 3], [4, 5, 6]))]);
  const followers: Follower[] = [];
  const clients: TestClient[] = [];
  try {
    for (const request of requests) {
      const { client } = await gateway.connect();
      clients.push(client);
      const follower = new Follower(client, marketId, request);
      followers.push(follower);
      await follower.ask(undefined);
    }
    for (const action of steps) await perform(action, followers, marketId, faults);

    faults.set("pass on");
    // As a gateway does in rounds and after a reconnection: a lost last message has no other that shows it.
    await gateway.hub.repairAll();
    const truth = await readState(redis.commands, { channel, key: marketId });
    const expected = ({ request }: Follower): string => {
      const value = "depth" in request ? orderBookFormat.limit?.(truth?.value as Book, DEPTH) : truth?.value;
      return textOf(value, request);
    };
    await expect
      .poll(() => followers.map(({ receiver, request }) => textOf(receiver.state?.value, request)))
      .toEqual(followers.map(expected));
    for (const { receiver } of followers) {
      const { value, sum } = receiver.state ?? { value: {}, sum: 0 };
      expect(sum).toBe(sumOf(orderBookFormat, value as Book));
      expect(receiver.mismatches).toBe(0);
    }
    // What Pub/Sub lost or disordered was put right before it reached a client.
    expect(followers.map(({ repairs }) => repairs)).toEqual(followers.map(() => 0));
  } finally {
    for (const client of clients) client.close();
  }
}

it("after any interleaving of loss, doubling, reordering, views and resumes every client has the value", {
  timeout: 600_000,
}, async () => {
  const scenario = fc.array(step, { minLength: 5, maxLength: 40 });
  await fc.assert(fc.asyncProperty(scenario, everyClientHasTheValue), { numRuns: 40, endOnFailure: true });
  expect(await gateway.count("stateMismatches")).toBe(0);
  expect(await gateway.count("gaps")).toBeGreaterThan(0);
});
