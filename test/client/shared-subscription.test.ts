import { describe, expect, it } from "vitest";
import { Receiver } from "../../client/core/subscriptions/receiver.ts";
import { SharedSubscription } from "../../client/core/subscriptions/shared-subscription.ts";
import type { StartPosition } from "../../client/core/topics/topic.ts";
import type { Gap } from "../../client/core/types.ts";
import { ChannelError } from "../../contract/errors.ts";

/** Creates a subscription to trades with receivers that start at these ids, and records what each of them received. */
function share(marketId: string | undefined, ...starts: readonly StartPosition[]) {
  const shared = new SharedSubscription({ channel: "market:trades", marketId });
  const all = starts.map((lastId) => {
    const got: string[] = [];
    const gaps: Gap[] = [];
    const receiver = new Receiver({
      topic: { channel: "market:trades", marketId },
      isLatest: false,
      hasOneStream: shared.hasOneStream,
      options: {
        ...(lastId === undefined ? {} : { lastId }),
        onMessage: ({ id }) => got.push(id),
        onGap: (gap) => gaps.push(gap),
      },
      health: () => shared.health.current,
      onClose: () => undefined,
      onListenerError: (error) => {
        throw error;
      },
    });
    shared.add(receiver as unknown as Receiver, lastId !== undefined);
    return { receiver, got, gaps };
  });
  return { shared, all };
}

const entry = (number: number, prev = number - 1, marketId = "m") => ({
  ...{ channel: "market:trades" as const, marketId, data: {} as never },
  ...{ id: `${number}-0`, prev: `${prev}-0` },
});

const connection = {};

function answer(shared: SharedSubscription, id: number, recovered: boolean): void {
  const requested = shared.startRequest();
  const context = { requested, mayLower: true, onReplay: () => undefined };
  shared.applyReply({ channel: "market:trades", marketId: "m", id: `${id}-0`, recovered }, context);
  shared.finishReply(connection, { requested, isFirst: true });
}

describe("a subscription that several receivers share", () => {
  it("reports a reset to each of them, also to one whose position the service still has", () => {
    const { shared, all } = share("m", "5-0", "50-0");
    answer(shared, 50, true);
    for (let number = 6; number <= 50; number += 1) shared.take(entry(number), false);
    shared.take(entry(51), true);
    const [behind, ahead] = all;
    expect([behind?.got.at(-1), ahead?.got]).toEqual(["51-0", ["51-0"]]);
    expect(shared.take(entry(20, 19), true)).toBe("fine");
    shared.take(entry(7), true);
    expect(shared.takeHeartbeat({ channel: "market:trades", marketId: "m", id: "51-0" }, true).size).toBe(0);
    expect(shared.takeHeartbeat({ channel: "market:trades", marketId: "m", id: "2-0" }, true)).toEqual(new Set(["m"]));
    expect(all.map(({ receiver }) => receiver.status)).toEqual(["resuming", "resuming"]);
    expect([shared.take(entry(52), true), shared.startRequest()]).toEqual(["fine", new Map([["m", "51-0"]])]);
    answer(shared, 3, false);
    expect(all.map(({ receiver, gaps }) => [receiver.status, gaps])).toEqual(
      all.map(() => ["live", [{ channel: "market:trades", marketId: "m", after: "51-0" }]]),
    );
    shared.take(entry(4), true);
    expect(all.map(({ got }) => got.at(-1))).toEqual(["4-0", "4-0"]);
  });

  it("gives a receiver that joins after a reconnection the value that came with it", () => {
    const topic = { channel: "market:prices", marketId: "m" } as const;
    const shared = new SharedSubscription(topic);
    const join = () => {
      const got: string[] = [];
      const receiver = new Receiver({
        ...{ topic, isLatest: true, hasOneStream: true, options: { onMessage: ({ id }) => got.push(id) } },
        ...{ health: () => shared.health.current, onClose: () => undefined, onListenerError: () => undefined },
      });
      shared.add(receiver as unknown as Receiver, false);
      return got;
    };
    const price = (number: number) => ({ ...entry(number), channel: topic.channel });
    const resume = (number: number) => {
      const requested = shared.startRequest();
      const context = { requested, mayLower: true, onReplay: () => undefined };
      shared.applyReply({ ...topic, id: `${number}-0`, recovered: true }, context);
      shared.finishReply(connection, { requested, isFirst: true });
      shared.take(price(number), true);
    };
    join();
    resume(3);
    resume(5);
    expect(join()).toEqual(["5-0"]);
  });

  it("starts over with a market that the service does not name any more", () => {
    const { shared, all } = share(undefined, { m: "9-0", other: "9-0" });
    const context = { mayLower: true, onReplay: () => undefined };
    const first = shared.startRequest();
    shared.applyReply(
      { channel: "market:trades", ids: { m: "9-0", other: "9-0" }, recovered: true },
      { ...context, requested: first },
    );
    shared.finishReply(connection, { requested: first, isFirst: true });
    expect(shared.takeHeartbeat({ channel: "market:trades", ids: { m: "3-0" } }, true)).toEqual(new Set(["m"]));
    const requested = shared.startRequest(new Set(["m"]));
    shared.applyReply({ channel: "market:trades", ids: { other: "9-0" }, recovered: true }, { ...context, requested });
    expect(shared.finishReply(connection, { requested, isFirst: false })).toEqual(new Set());
    const [only] = all;
    expect([only?.receiver.status, only?.gaps.map(({ after }) => after)]).toEqual(["live", ["9-0"]]);
    shared.take(entry(1, 0), true);
    expect(only?.got).toEqual(["1-0"]);
  });

  it("gives a receiver that joins no better status than its own", () => {
    const { shared } = share("m", "5-0");
    answer(shared, 5, true);
    shared.health.markSilent();
    const late = new Receiver({
      topic: shared.topic as { channel: "market:trades" },
      isLatest: false,
      hasOneStream: true,
      options: { onMessage: () => undefined },
      health: () => shared.health.current,
      onClose: () => undefined,
      onListenerError: () => undefined,
    });
    shared.add(late as unknown as Receiver, false);
    expect(late.status).toBe("stale");
    shared.health.markHeard();
    expect(late.status).toBe("live");
  });

  it("is requested again for a receiver that needs more values than the others, and for no other", () => {
    const shared = new SharedSubscription({ channel: "market:prices", marketId: "m" });
    const add = (maxRate: number | undefined): boolean => {
      const receiver = new Receiver({
        ...{ topic: { channel: "market:prices", marketId: "m" }, isLatest: true, hasOneStream: true },
        options: { onMessage: () => undefined, maxRate },
        health: () => shared.health.current,
        onClose: () => undefined,
        onListenerError: () => undefined,
      });
      const needsRequest = shared.add(receiver as unknown as Receiver, false);
      if (needsRequest) shared.receivers.markRequested();
      return needsRequest;
    };
    expect([add(2), shared.receivers.maxRate]).toEqual([true, 2]);
    expect(add(4)).toBe(true);
    shared.finishReply(connection, { requested: undefined, isFirst: true });
    expect([add(3), shared.receivers.maxRate]).toEqual([false, 4]);
    expect([add(5), shared.receivers.maxRate]).toEqual([true, 5]);
    expect([add(undefined), shared.receivers.maxRate]).toEqual([true, undefined]);
    expect(add(6)).toBe(false);
  });

  it("reports an error once to each receiver, until it was live again", () => {
    const { shared } = share("m", "5-0");
    const errors: unknown[] = [];
    const receiver = new Receiver({
      topic: shared.topic as { channel: "market:trades" },
      isLatest: false,
      hasOneStream: true,
      options: { lastId: "5-0", onMessage: () => undefined, onError: (error) => errors.push(error) },
      health: () => shared.health.current,
      onClose: () => undefined,
      onListenerError: () => undefined,
    });
    shared.add(receiver as unknown as Receiver, true);
    const error = new ChannelError("unauthorized", "no");
    for (let count = 0; count < 2; count += 1) shared.health.drop(connection, error);
    expect([receiver.status, errors]).toEqual(["error", [error]]);
    answer(shared, 5, true);
    expect([receiver.status, errors.length]).toEqual(["live", 1]);
    shared.health.drop(connection, error);
    expect(errors).toEqual([error, error]);
  });
});
