import { describe, expect, it, vi } from "vitest";
import { channels } from "../../contract/channels.ts";
import type { DataMessage } from "../../contract/messages.ts";
import { orderBookFormat } from "../../contract/state/order-book-format.ts";
import { sumOf } from "../../contract/state/verified-state.ts";
import type { Book } from "../support/books.ts";
import {
  eventsOf,
  kinds,
  manyLevels,
  nextMarket,
  received,
  StrictReceiver,
  startBooksEdge,
} from "../support/edge-books.ts";

const channel = "market:orderbook";
const KEPT = channels[channel].history.entries;

const { idle, publish, publishLong, subscribe } = await startBooksEdge();

describe("resuming", () => {
  async function publishSteps(count: number) {
    const marketId = nextMarket();
    const ids: string[] = [];
    let truth: Book | undefined;
    for (let number = 0; number < count; number += 1) {
      const step = await publish(marketId, {
        ...manyLevels(20),
        [`0.49${1 + (number % 9)}`]: `${number + 1}`,
      });
      ids.push(step.id);
      truth = step.truth;
    }
    return { marketId, ids, truth };
  }

  it("gives what changed as one message, of one market and of the whole channel", async () => {
    const { marketId, ids, truth } = await publishSteps(8);
    const last = ids.at(-1) ?? "";
    const one = await subscribe({ marketId, changes: true, lastId: ids[2] });
    const whole = await subscribe({ changes: true, lastId: { [marketId]: ids[2] } });
    const list = await subscribe({ marketId: [marketId], changes: true, lastId: { [marketId]: ids[7] } });

    expect(one.answer).toMatchObject({ id: last, recovered: true });
    for (const { client } of [one, whole]) {
      const events = await received(client, last, marketId);
      expect(events).toMatchObject([{ prev: ids[2], id: last, sum: sumOf(orderBookFormat, truth as Book) }]);
      expect(kinds(events)).toEqual(["changes"]);
    }
    expect(list.answer).toMatchObject({ ids: { [marketId]: last }, recovered: true });
    expect(eventsOf(list.client)).toEqual([]);
  });

  it("gives the whole value from beyond the history, from an id ahead of the stream, and to those without changes", async () => {
    const { marketId, ids, truth } = await publishSteps(KEPT + 4);
    const last = ids.at(-1) ?? "";
    const beyond = await subscribe({ marketId, changes: true, lastId: ids[1] });
    const ahead = await subscribe({ marketId, changes: true, lastId: `${Date.now() + 60_000}-0` });
    const without = await subscribe({ marketId, lastId: ids.at(-3) });

    expect(beyond.answer).toMatchObject({ id: last, recovered: true });
    expect(await received(beyond.client, last)).toMatchObject([{ data: truth, prev: ids[1] }]);
    expect(ahead.answer).toMatchObject({ id: last, recovered: false });
    expect(await received(ahead.client, last)).toMatchObject([{ data: truth, prev: ids.at(-2) }]);
    expect(without.answer).toMatchObject({ id: last, recovered: true });
    expect(await received(without.client, last)).toMatchObject([{ data: truth, prev: ids.at(-3) }]);
  });

  it("encodes once what is sent, although its size decides between what changed and the value", async () => {
    const { marketId, ids } = await publishSteps(3);
    const long = nextMarket();
    const longIds = [];
    for (const replaced of [0, 40, 80, 120]) longIds.push((await publishLong(long, replaced)).id);
    // The fan-out encodes for the clients of other tests.
    await idle();
    const encode = vi.spyOn(JSON, "stringify");
    const encodings = (of: string, kind: "changes" | "data") =>
      encode.mock.calls.filter(([value]) => {
        const { event, data } = Object(value);
        return event === "data" && data.marketId === of && kind in data;
      }).length;
    try {
      for (const [market, all] of [
        [marketId, ids],
        [long, longIds],
      ] as const) {
        const { client } = await subscribe({ marketId: market, changes: true, lastId: all[0] });
        await received(client, all.at(-1) ?? "");
      }
      expect([encodings(marketId, "changes"), encodings(marketId, "data")]).toEqual([1, 0]);
      expect([encodings(long, "changes"), encodings(long, "data")]).toEqual([1, 1]);
    } finally {
      encode.mockRestore();
    }
  });

  it("takes an id that the publisher or the gateway named, and goes on from it", async () => {
    const marketId = nextMarket();
    const held = await publish(marketId, manyLevels(20));
    await publish(marketId, { ...manyLevels(20), "0.499": "2" });
    const receiver = new StrictReceiver().takeAll([
      {
        channel,
        marketId,
        data: held.truth,
        sum: sumOf(orderBookFormat, held.truth),
        id: held.id,
        prev: "0-0",
      } as DataMessage,
    ]);
    const { client } = await subscribe({ marketId, changes: true, lastId: held.id });
    const { id, truth } = await publish(marketId, { ...manyLevels(20), "0.499": "3" });

    expect(receiver.takeAll(await received(client, id))).toMatchObject({ state: { value: truth } });
  });
});
