import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SubscribeRequests } from "../../client/core/requests/subscribe-requests.ts";
import { Receiver } from "../../client/core/subscriptions/receiver.ts";
import { SharedSubscription } from "../../client/core/subscriptions/shared-subscription.ts";

const channel = "market:trades" as const;
const marketId = "m";

interface SentRequest {
  readonly answer: (value: unknown) => void;
  /** The time at which it was sent, in ms. */
  readonly at: number;
}

// The waits are seconds long, so the clock is a fake one, and the service with it.
beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A subscription on a connection whose service answers when the test says so. */
function subscribe() {
  const sent: SentRequest[] = [];
  const contents: WeakRef<object>[] = [];
  let stuck = 0;
  const requests = new SubscribeRequests({
    send: (event, content, answer) => {
      contents.push(new WeakRef(content));
      if (event === "subscribe") sent.push({ answer, at: Date.now() });
      else queueMicrotask(() => answer({ channel, marketId }));
    },
    ...{ maximumBytes: 4_000, isSole: () => true, onSettled: () => undefined, onRevoked: () => undefined },
    ...{ onFull: () => undefined, onTimeout: () => undefined, onStuck: () => (stuck += 1) },
  });
  const shared = new SharedSubscription({ channel, marketId });
  const receiver = new Receiver({
    ...{ topic: { channel, marketId }, isLatest: false, hasOneStream: true, onClose: () => undefined },
    options: { onMessage: () => undefined, lastId: "5-0" },
    health: () => shared.health.current,
    onListenerError: (error) => {
      throw error;
    },
  });
  shared.add(receiver as unknown as Receiver, true);
  requests.subscribe(shared);
  const pass = (milliseconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds);
  return {
    ...{ requests, shared, receiver, sent, contents, pass },
    stuck: () => stuck,
    /** Answers the newest request: the stream is at this id. */
    async reply(id: number): Promise<void> {
      sent.at(-1)?.answer({ channel, marketId, id: `${id}-0`, recovered: true });
      await pass(0);
    },
    /** Says that messages are missing. */
    repair: (hasCoolDown: boolean) => requests.repairs.repair(shared, [marketId], hasCoolDown),
    refuse: () => sent.at(-1)?.answer({ code: "unavailable", message: "later" }),
    /** The time from the newest request but one to the newest, in ms. */
    distance: () => Number(sent.at(-1)?.at) - Number(sent.at(-2)?.at),
  };
}

describe("a subscription with missing messages", () => {
  it("is requested again at once, and with a wait where it was a moment ago too", async () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    const { pass, reply, repair, sent } = subscribe();
    await pass(0);
    await reply(5);
    repair(false);
    await pass(0);
    expect(sent).toHaveLength(2);
    await reply(5);
    await pass(4_000);
    repair(false);
    await pass(900);
    expect(sent).toHaveLength(2);
    await pass(350);
    expect(sent).toHaveLength(3);
    await reply(5);
    await pass(6_000);
    repair(false);
    await pass(0);
    expect(sent).toHaveLength(4);
  });

  it("is not requested within a second of its request because of a heartbeat or a reset", async () => {
    const { pass, reply, repair, sent, distance } = subscribe();
    await pass(0);
    await reply(5);
    await pass(300);
    repair(true);
    await pass(650);
    expect(sent).toHaveLength(1);
    await pass(350);
    expect([sent.length, distance() >= 1_000]).toEqual([2, true]);
    await reply(5);
    await pass(10_000);
    repair(true);
    await pass(0);
    expect(sent).toHaveLength(3);
  });

  it("is requested again only once its answer has come", async () => {
    const { pass, reply, repair, sent } = subscribe();
    await pass(0);
    repair(false);
    await pass(5_000);
    expect(sent).toHaveLength(1);
    await reply(5);
    repair(false);
    await pass(0);
    expect(sent).toHaveLength(2);
  });
});

describe("a message that the service named", () => {
  it("by a heartbeat is requested after a second, and not twice for two heartbeats", async () => {
    const { pass, reply, requests, shared, sent, receiver } = subscribe();
    await pass(0);
    await reply(5);
    await pass(5_000);
    for (let number = 0; number < 2; number += 1) {
      shared.takeHeartbeat({ channel, marketId, id: "6-0" }, true);
      requests.repairs.awaitArrival(shared, "heartbeat");
      await pass(450);
    }
    expect([sent.length, receiver.status]).toEqual([1, "live"]);
    await pass(150);
    expect([sent.length, receiver.status]).toEqual([2, "resuming"]);
    await pass(5_000);
    expect(sent).toHaveLength(2);
  });

  it("by a reply is overdue after a second, and requested ten seconds later", async () => {
    const { pass, reply, sent, receiver } = subscribe();
    await pass(0);
    await reply(7);
    await pass(10_900);
    expect([sent.length, receiver.status]).toEqual([1, "subscribing"]);
    await pass(200);
    expect(sent).toHaveLength(2);
  });

  it("is not requested where it arrives in time, nor after the end of the subscription or of the connection", async () => {
    const arrived = subscribe();
    const ended = subscribe();
    const closed = subscribe();
    await arrived.pass(0);
    for (const { reply } of [arrived, ended, closed]) await reply(6);
    arrived.shared.take({ channel, marketId, id: "6-0", prev: "5-0", data: {} as never }, true);
    ended.requests.unsubscribe(ended.shared);
    closed.requests.stop();
    await arrived.pass(60_000);
    expect([arrived, ended, closed].map(({ sent }) => sent.length)).toEqual([1, 1, 1]);
  });
});

describe("a subscription that is temporarily refused", () => {
  it("is requested again with growing waits, and asks for another connection at the eighth refusal in a row", async () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    const { pass, refuse, sent, stuck, distance } = subscribe();
    await pass(0);
    const waits: number[] = [];
    for (let refusals = 1; refusals <= 7; refusals += 1) {
      refuse();
      while (sent.length === refusals) await pass(250);
      waits.push(Math.floor(distance() / 1_000));
    }
    expect([waits, stuck()]).toEqual([[1, 2, 4, 8, 16, 30, 30], 0]);
    refuse();
    await pass(120_000);
    expect([sent.length, stuck()]).toEqual([8, 1]);
  });

  it("is not requested again once nobody wants it, or the connection has ended", async () => {
    const unwanted = subscribe();
    const closed = subscribe();
    await unwanted.pass(0);
    for (const { refuse } of [unwanted, closed]) refuse();
    unwanted.requests.unsubscribe(unwanted.shared);
    closed.requests.stop();
    await unwanted.pass(60_000);
    expect([unwanted, closed].map(({ sent }) => sent.length)).toEqual([1, 1]);
  });
});

describe("requests with an answer", () => {
  it("are forgotten, however many a connection sends", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const { pass, reply, repair, sent, contents } = subscribe();
    await pass(0);
    for (let number = 1; number <= 10; number += 1) {
      await reply(5);
      await pass(6_000);
      repair(false);
      await pass(0);
    }
    expect(contents).toHaveLength(11);
    sent.length = 0;
    collect();
    // All but the one that waits for its answer.
    expect(contents.filter((content) => content.deref() !== undefined)).toHaveLength(1);
  });
});
