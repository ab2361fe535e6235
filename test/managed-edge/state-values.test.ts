import { describe, expect, it } from "vitest";
import { orderBookFormat } from "../../contract/state/order-book-format.ts";
import { sumOf } from "../../contract/state/verified-state.ts";
import { eventsOf, kinds, manyLevels, nextMarket, received, startBooksEdge } from "../support/edge-books.ts";

const channel = "market:orderbook";

const { holdFanOut, idle, publish, subscribe } = await startBooksEdge();

describe("a subscriber that did not ask for changes", () => {
  it("gets whole values, one for each batch", async () => {
    const marketId = nextMarket();
    const before = await publish(marketId, manyLevels(20));
    const { client } = await subscribe({ marketId });
    const release = holdFanOut();
    for (const size of ["1", "2", "3"]) await publish(marketId, { ...manyLevels(20), "0.499": size });
    const { id, truth } = await publish(marketId, { ...manyLevels(20), "0.499": "4" });
    release();

    const [snapshot, only, ...others] = await received(client, id);
    expect(snapshot).toMatchObject({ data: before.truth, id: before.id });
    expect(only).toMatchObject({ data: truth, id, prev: before.id, sum: sumOf(orderBookFormat, truth) });
    expect(others).toEqual([]);
    expect(client.frames.filter(({ data }) => "changes" in data)).toEqual([]);
  });

  it("gets a message once where it has the market and the whole channel", async () => {
    const marketId = nextMarket();
    await publish(marketId, manyLevels(20));
    const { client } = await subscribe({});
    await client.ask("subscribe", { channel, marketId });
    const before = eventsOf(client, marketId).length;
    const ids: string[] = [];
    for (const size of ["1", "2"]) {
      ids.push((await publish(marketId, { ...manyLevels(20), "0.499": size })).id);
      await idle();
    }
    await received(client, ids.at(-1) ?? "", marketId);
    expect(
      eventsOf(client, marketId)
        .slice(before)
        .map(({ id }) => id),
    ).toEqual(ids);
  });
});

it("options that a channel does not have are refused, and what was subscribed before goes on as it was", async () => {
  const marketId = nextMarket();
  await publish(marketId, manyLevels(20));
  const { client } = await subscribe({ marketId, changes: true });
  const bad = [
    { channel, marketId, depth: 0 },
    { channel, marketId, depth: -1 },
    { channel, marketId, depth: "all" },
    { channel, marketId, depth: 7 },
    { channel, depth: 5 },
    { channel, marketId, changes: "yes" },
    { channel: "market:prices", marketId, depth: 5 },
    { channel: "market:trades", changes: true },
    { channel: "user:portfolio", depth: 5 },
  ];
  for (const request of bad) expect(await client.ask("subscribe", request)).toMatchObject({ code: "bad_request" });

  const { id } = await publish(marketId, { ...manyLevels(20), "0.499": "2" });
  expect(kinds(await received(client, id))).toEqual(["whole", "changes"]);
});
