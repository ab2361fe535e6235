import { setTimeout as delay } from "node:timers/promises";
import { RealtimeClient } from "@vezta/realtime-client";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startEdge } from "../support/edge.ts";
import { messages } from "../support/messages.ts";
import { startPlatform } from "../support/platform.ts";
import { edgeRooms, gatewayRooms, roomOf, type Wish } from "./rooms.ts";
import { type Seen, watch } from "./watch.ts";

/** An edge, and a look at the rooms that it has for the client. */
interface Side {
  readonly url: string;
  readonly rooms: () => Promise<string[]>;
  readonly publish: (marketId: string) => Promise<string[]>;
  stop(): Promise<void>;
}

const sides: Record<string, () => Promise<Side>> = {
  async gateway() {
    const platform = await startPlatform({ gateways: 1 });
    const publish = (marketId: string) => platform.publish(messages("market:trades", marketId, 1));
    const url = String(platform.gateways[0]?.url);
    return { url, rooms: () => gatewayRooms(platform), publish, stop: () => platform.stop() };
  },
  async managed() {
    const edge = await startEdge();
    const publish = (marketId: string) => edge.publish(messages("market:trades", marketId, 1));
    return { url: edge.api.url, rooms: () => edgeRooms(edge), publish, stop: () => edge.stop() };
  },
};

const wishes: readonly Wish[] = (["market:prices", "market:orderbook", "market:trades"] as const).flatMap((channel) => [
  { channel },
  ...["a", "b", "c"].map((marketId) => ({ channel, marketId })),
]);

/** Mounts or unmounts one of the wishes, and waits. */
const step = fc.record({ wish: fc.nat(wishes.length - 1), waitMs: fc.constantFrom(0, 0, 0, 1, 30, 1_050) });

describe.each(Object.entries(sides))("the subscriptions of an application on the %s edge", (name, start) => {
  let side: Side;
  const clients: RealtimeClient[] = [];
  beforeAll(async () => {
    side = await start();
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(() => side.stop());

  const connect = (): RealtimeClient => {
    const client = new RealtimeClient({ url: side.url, backoff: { minimumMs: 20, maximumMs: 200 } });
    clients.push(client);
    return client;
  };
  const statusesOf = (all: Iterable<Seen<Wish["channel"]>>): string[] => [
    ...new Set([...all].map(({ subscription }) => subscription.status)),
  ];

  it("equal those of the service after any sequence of mounts and unmounts", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const client = connect();
        const mounted = new Map<Wish, Seen<Wish["channel"]>>();
        for (const { wish: index, waitMs } of steps) {
          const wish = wishes[index] as Wish;
          const seen = mounted.get(wish);
          seen?.subscription.close();
          if (seen) mounted.delete(wish);
          else mounted.set(wish, watch(client, wish.channel, { ...wish }));
          if (waitMs > 0) await delay(waitMs);
        }
        const wanted = [...mounted.keys()].map(roomOf).toSorted();
        await expect.poll(side.rooms).toEqual(wanted);
        await expect.poll(() => statusesOf(mounted.values())).toEqual(mounted.size > 0 ? ["live"] : []);
        expect([...mounted.values()].flatMap(({ errors }) => errors)).toEqual([]);
        client.close();
        await expect.poll(side.rooms).toEqual([]);
      }),
      { numRuns: name === "gateway" ? 4 : 8, endOnFailure: true },
    );
  }, 3_000_000);

  it("do not reach the limit because of pages that were left", async () => {
    const client = connect();
    const page = (number: number): Seen<Wish["channel"]>[] =>
      (["market:prices", "market:orderbook", "market:trades"] as const).flatMap((channel) =>
        Array.from({ length: 300 }, (_, row) => watch(client, channel, { marketId: `p${number}-${row}` })),
      );
    const statuses: string[] = [];
    client.onStatus((status) => statuses.push(status));
    let rows = page(0);
    await expect.poll(() => statusesOf(rows), { timeout: 600_000 }).toEqual(["live"]);
    for (let number = 1; number <= 5; number += 1) {
      for (const { subscription } of rows) subscription.close();
      rows = page(number);
      if (number !== 3) await delay(1_300);
    }
    await expect.poll(() => statusesOf(rows), { timeout: 600_000 }).toEqual(["live"]);
    const wanted = rows.map(({ subscription: { channel, marketId = "" } }) =>
      roomOf({ channel: channel as Wish["channel"], marketId }),
    );
    await expect.poll(side.rooms, { timeout: 600_000 }).toEqual(wanted.toSorted());
    // A reconnection would hide subscriptions that were left over.
    expect([rows.flatMap(({ errors }) => errors), statuses]).toEqual([[], ["connecting", "connected"]]);
    const ids = await side.publish("p5-299");
    await expect.poll(() => rows.at(-1)?.ids()).toEqual(ids);
  }, 3_000_000);
});
