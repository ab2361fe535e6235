import { RealtimeClient } from "@vezta/realtime-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import { type LinkProxy, openLinkProxy } from "../../drill/link-proxy.ts";
import { type Edge, startEdge } from "../support/edge.ts";
import { message } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";
import { type Seen, watch } from "./watch.ts";

const CHANNEL = "market:trades";
const MARKETS = 10_000;

/** The length of a Polymarket token id. */
const ID_LENGTH = 77;

/** Messages of one call of `publish`: few enough that their hints are queued within its deadline, also on a busy machine. */
const BATCH = 100;

/** Ends a wait that takes seconds on an idle machine. */
const LONG = { timeout: 600_000 };

const markets = Array.from({ length: MARKETS }, (_, index) => String(index).padStart(ID_LENGTH, "7"));

async function publishTo(
  keys: readonly string[],
  number: number,
  publish: (batch: readonly ChannelMessage[]) => Promise<string[]>,
): Promise<string[]> {
  const ids: string[] = [];
  for (let start = 0; start < keys.length; start += BATCH) {
    ids.push(...(await publish(keys.slice(start, start + BATCH).map((key) => message(CHANNEL, key, number)))));
  }
  return ids;
}

/** Resolves once exactly these messages arrived. Compares ids with their markets: two streams may have the same id. */
const expectAll = async (seen: Seen<typeof CHANNEL>, wanted: ReadonlySet<string>): Promise<void> => {
  await expect.poll(() => seen.messages.length, LONG).toBe(wanted.size);
  expect(new Set(seen.messages.map(({ marketId, id }) => `${marketId} ${id}`))).toEqual(wanted);
  await expect.poll(() => seen.subscription.status, LONG).toBe("live");
  expect([seen.gaps, seen.errors]).toEqual([[], []]);
};

const named = (keys: readonly string[], ids: readonly string[]): string[] =>
  keys.map((key, index) => `${key} ${ids[index]}`);

describe("a whole channel of 10,000 markets on the gateway", () => {
  let platform: Platform;
  let link: LinkProxy;
  beforeAll(async () => {
    platform = await startPlatform();
    link = await openLinkProxy();
  });
  afterAll(async () => {
    await link.close();
    await platform.stop();
  });

  it("is complete from the start, after a reconnection and after the planned end of a gateway", async () => {
    const ports = platform.gateways.map(({ url }) => Number(new URL(url).port));
    link.setTarget(ports[0] ?? 0);
    const wanted = new Set(named(markets, await publishTo(markets, 1, platform.publish)));
    const client = new RealtimeClient({ url: `http://127.0.0.1:${link.port}`, token: null });
    const seen = watch(client, CHANNEL, { lastId: "0-0" });
    await expectAll(seen, wanted);

    client.pause();
    for (const each of named(markets, await publishTo(markets, 2, platform.publish))) wanted.add(each);
    client.resume();
    await expectAll(seen, wanted);

    link.setTarget(ports[1] ?? 0);
    const ended = platform.gateways[0]?.stop("SIGTERM");
    for (const each of named(markets, await publishTo(markets, 3, platform.publish))) wanted.add(each);
    expect(await ended).toBe(0);
    await expectAll(seen, wanted);
    client.close();
  }, 4_000_000);
});

/** Markets per round: on the managed edge each message costs the emulated queue and table some milliseconds. */
const FEW = 300;

describe("a whole channel of 10,000 markets on the managed edge", () => {
  let edge: Edge;
  beforeAll(async () => {
    edge = await startEdge();
  });
  afterAll(() => edge.stop());

  it("is complete from the start, after a reconnection and after the planned end of a connection", async () => {
    const some = markets.filter((_, index) => index % Math.floor(MARKETS / FEW) === 0);
    const wanted = new Set(named(markets, await publishTo(markets, 1, edge.publish)));
    edge.faults.initialAgeMs = 119 * 60_000;
    const client = new RealtimeClient({ url: edge.api.url, token: null, pingIntervalMs: 2_000 });
    const seen = watch(client, CHANNEL, { lastId: "0-0" });
    await expectAll(seen, wanted);

    client.pause();
    for (const each of named(some, await publishTo(some, 2, edge.publish))) wanted.add(each);
    client.resume();
    await expectAll(seen, wanted);

    const [old] = edge.api.connectionIds();
    edge.faults.initialAgeMs = 0;
    for (const each of named(some, await publishTo(some, 3, edge.publish))) wanted.add(each);
    await expect.poll(() => edge.api.connectionIds().some((id) => id === old), LONG).toBe(false);
    for (const each of named(some, await publishTo(some, 4, edge.publish))) wanted.add(each);
    await expectAll(seen, wanted);
    client.close();
  }, 4_000_000);
});
