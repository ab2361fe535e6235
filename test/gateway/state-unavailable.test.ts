import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MAXIMUM_KEYS } from "../../contract/limits.ts";
import { stateKey, streamKey } from "../../kernel/streams/redis-keys.ts";
import { book, bookMessage } from "../support/books.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

const channel = "market:orderbook";

let platform: Platform;
let markets = 0;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
});
afterAll(() => platform.stop());

const nextMarket = (): string => `unavailable-${++markets}`;

const sized = (marketId: string, size: number) => book(marketId, [size, 2, 3, 4], [5, 6, 7, 8]);

const publish = async (marketId: string, size: number): Promise<string> =>
  String((await platform.publish([bookMessage(sized(marketId, size))]))[0]);

/** Removes a value from Redis, and adds an entry that no gateway can prove without it. */
async function damage(marketId: string, prev: string): Promise<void> {
  const stream = { channel, key: marketId } as const;
  await platform.commands.del(stateKey(stream));
  const changes = { head: { time: Date.now() }, rows: { "yes.bids.0.1": "4" } };
  const body = JSON.stringify({ channel, marketId, changes, sum: 1 }).slice(0, -1);
  await platform.commands.xadd(streamKey(stream), `${Date.now() + 1_000}-0`, "m", body, "p", prev);
}

describe("a market whose value is damaged", () => {
  it.each([{ changes: true }, {}])(
    "is named to subscribers of the whole channel until it is healed, before the answer and in each heartbeat: %j",
    async (view) => {
      const [marketId, sound] = [nextMarket(), nextMarket()] as const;
      const id = await publish(marketId, 1);
      await publish(sound, 1);
      const early = await platform.connect();
      await early.ask("subscribe", { channel, ...view });
      await expect.poll(() => early.heartbeats.at(-1)).toMatchObject({ channel });
      expect(early.heartbeats.at(-1)).not.toHaveProperty("unavailable");

      await damage(marketId, id);
      await expect.poll(() => early.heartbeats.at(-1)).toMatchObject({ channel, unavailable: [marketId] });
      const late = await platform.connect();
      const answer = await late.ask("subscribe", { channel, ...view });
      expect(answer).toMatchObject({ ids: { [sound]: expect.any(String) } });
      expect(answer.ids).not.toHaveProperty(marketId);
      expect(late.events.filter(({ name }) => name !== "retry").slice(0, 2)).toMatchObject([
        { name: "heartbeat", value: { channel, ids: {}, unavailable: [marketId] } },
        { name: "subscribed" },
      ]);
      await expect.poll(() => late.heartbeats.at(-1)).toMatchObject({ channel, unavailable: [marketId] });

      const healed = sized(marketId, 2);
      await publish(marketId, 2);
      for (const client of [early, late]) {
        await expect
          .poll(() => client.messages.findLast((each) => each.marketId === marketId)?.data)
          .toMatchObject({ yes: healed.yes });
        await expect.poll(() => client.heartbeats.at(-1)?.unavailable).toBeUndefined();
      }
      expect(early.errors).toEqual([]);
    },
  );
});

it("more markets than can be named: the channel is refused", async () => {
  const damaged = Array.from({ length: MAXIMUM_KEYS + 1 }, nextMarket);
  const [last = ""] = damaged.slice(-1);
  await platform.publish(damaged.map((marketId) => bookMessage(sized(marketId, 1))));
  await platform.commands.del(damaged.map((marketId) => stateKey({ channel, key: marketId })));
  await platform.addGateway();
  const client = await platform.connect({ gateway: 1 });
  expect(await client.ask("subscribe", { channel, changes: true })).toMatchObject({ code: "unavailable", channel });

  const id = await publish(last, 2);
  const answer = await client.ask("subscribe", { channel, changes: true });
  expect(answer).toHaveProperty("ids", expect.objectContaining({ [last]: id }));
  const listed = () => client.heartbeats.map(({ unavailable = [] }) => unavailable.length);
  expect(listed()[0]).toBe(MAXIMUM_KEYS);
  const before = listed().length;
  await expect.poll(() => listed().length).toBeGreaterThan(before);
  expect(new Set(listed())).toEqual(new Set([MAXIMUM_KEYS]));
});
