import { describe, expect, it } from "vitest";
import { channels } from "../../contract/channels.ts";
import type { DataEvent } from "../../contract/messages.ts";
import { orderBookFormat } from "../../contract/state/order-book-format.ts";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import {
  eventsOf,
  kinds,
  manyLevels,
  nextMarket,
  received,
  StrictReceiver,
  startBooksEdge,
} from "../support/edge-books.ts";
import { message } from "../support/messages.ts";

const channel = "market:orderbook";
const KEPT = channels[channel].history.entries;

const { edge, holdFanOut, idle, publish, publishLong, subscribe } = await startBooksEdge();

describe("a subscriber that asked for changes", () => {
  it.each([true, false])("gets the value, and then what changed; the whole channel: %s", async (isWhole) => {
    const marketId = nextMarket();
    await publish(marketId, manyLevels(20));
    const { client } = await subscribe({ ...(isWhole ? {} : { marketId }), changes: true });

    for (const size of ["1", "2", "3"]) {
      await publish(marketId, { ...manyLevels(20), "0.499": size });
      await idle();
    }
    const { id, truth } = await publish(marketId, manyLevels(19));

    const events = await received(client, id, marketId);
    expect(kinds(events)).toEqual(["whole", "changes", "changes", "changes", "changes"]);
    const receiver = new StrictReceiver().takeAll(events);
    expect(receiver.state?.value).toEqual(truth);
  });

  it("gets the first value of a market that had none whole", async () => {
    const marketId = nextMarket();
    const { client, answer } = await subscribe({ marketId, changes: true });
    const { id, truth } = await publish(marketId, { "0.4": "1" });

    expect(answer).toMatchObject({ id: "0-0" });
    expect(await received(client, id)).toMatchObject([{ data: truth, id, prev: "0-0", sum: expect.any(Number) }]);
  });

  it("gets a batch as one change, from the id that it has on", async () => {
    const marketId = nextMarket();
    await publish(marketId, manyLevels(20));
    const early = await subscribe({ marketId, changes: true });
    const release = holdFanOut();
    await publish(marketId, { ...manyLevels(20), "0.499": "2" });
    const middle = await publish(marketId, { ...manyLevels(20), "0.498": "3" });
    const late = await subscribe({ marketId, changes: true });
    const last = await publish(marketId, { ...manyLevels(20), "0.498": "4" });
    release();

    const [first, next] = await received(early.client, last.id);
    expect(next).toMatchObject({
      prev: first?.id,
      changes: { rows: { "yes.bids.0.498": "4", "yes.bids.0.499": "10" } },
    });
    const [start, only] = await received(late.client, last.id);
    expect(start).toMatchObject({ id: middle.id });
    expect(only).toMatchObject({ prev: middle.id, changes: { rows: { "yes.bids.0.498": "4" } } });
    await idle();
    for (const { client } of [early, late]) {
      expect(eventsOf(client)).toHaveLength(2);
      expect(new StrictReceiver().takeAll(eventsOf(client))).toMatchObject({
        state: { value: last.truth },
      });
    }
  });

  it("gets the whole value where the history does not reach back to its id", async () => {
    const marketId = nextMarket();
    const before = await publish(marketId, manyLevels(20));
    const { client } = await subscribe({ marketId, changes: true });
    const release = holdFanOut();
    let last = before;
    for (let number = 1; number <= KEPT + 1; number += 1) {
      last = await publish(marketId, { ...manyLevels(20), "0.499": String(number) });
    }
    release();

    expect((await received(client, last.id))[1]).toMatchObject({ data: last.truth, prev: before.id });
  });

  it("gets the whole value where what changed is longer than that", async () => {
    const marketId = nextMarket();
    const before = await publishLong(marketId, 0);
    const { client } = await subscribe({ marketId, changes: true });
    const release = holdFanOut();
    let last = before;
    for (const replaced of [40, 80, 120, 160, 200]) last = await publishLong(marketId, replaced);
    const back = await subscribe({ marketId, changes: true, lastId: before.id });
    release();

    for (const events of [(await received(client, last.id)).slice(1), await received(back.client, last.id)]) {
      expect(events).toMatchObject([{ data: last.truth, prev: before.id }]);
    }
    const entries = await edge.commands.xrange(streamKey({ channel, key: marketId }), "-", "+");
    expect(entries.filter(([, [, body]]) => body?.includes('"changes"'))).toHaveLength(5);
    expect(edge.posted.filter((body) => Buffer.byteLength(body) > 128 * 1_024)).toEqual([]);
  });

  it("gets a portfolio as changes of its positions", async () => {
    const client = await edge.connect({ user: "state-user" });
    await client.ask("subscribe", { channel: "user:portfolio", changes: true });
    const first = message("user:portfolio", "state-user", 1);
    await edge.publish([first]);
    await idle();
    const second = message("user:portfolio", "state-user", 2);
    const [id] = await edge.publish([second]);

    await expect.poll(() => client.ids("user:portfolio").at(-1)).toBe(id);
    const events = client.of("user:portfolio") as DataEvent[];
    expect(kinds(events)).toEqual(["whole", "changes"]);
    expect(new StrictReceiver().takeAll(events)).toMatchObject({ state: { value: second.data } });
  });

  it("does not miss anything where it subscribes while messages flow", async () => {
    const marketId = nextMarket();
    const isFlowing = { value: true };
    let last = await publish(marketId, manyLevels(30));
    const flow = (async () => {
      for (let number = 1; isFlowing.value; number += 1) {
        last = await publish(marketId, { ...manyLevels(30), [`0.4${61 + (number % 9)}`]: String(number) });
      }
    })();
    const views = [{ changes: true }, {}, { changes: true, depth: 5 }];
    const joined = await Promise.all(
      Array.from({ length: 12 }, (_, index) => {
        const scope = index % 2 === 0 || index % 3 === 2 ? { marketId } : {};
        return subscribe({ ...scope, ...views[index % 3] });
      }),
    );
    isFlowing.value = false;
    await flow;
    await idle();
    const end = await publish(marketId, { ...manyLevels(30), "0.499": "77" });

    for (const { client } of joined) {
      const events = await received(client, end.id, marketId);
      const receiver = new StrictReceiver().takeAll(events);
      const { depth } = events.at(-1) ?? {};
      expect(receiver.state?.value).toEqual(depth ? orderBookFormat.limit?.(end.truth, depth) : end.truth);
      expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    }
    expect(last.id).not.toBe(end.id);
  });
});
