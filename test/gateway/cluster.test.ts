import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { channelNames, channels } from "../../contract/channels.ts";
import type { Publisher } from "../../kernel/streams/publisher.ts";
import { type GatewayProcess, startGateway } from "../../local/gateway.ts";
import { createIssuer, type Issuer } from "../../local/issuer.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { messages } from "../support/messages.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

let redis: TestRedis;
let issuer: Issuer;
let gateways: GatewayProcess[];
let publisher: Publisher;
const clients: TestClient[] = [];

beforeAll(async () => {
  [redis, issuer] = await Promise.all([startTestRedis("a three-node cluster"), createIssuer()]);
  const environment = { ...issuer.env, ...redis.environment };
  gateways = await Promise.all([startGateway(environment), startGateway(environment)]);
  publisher = redis.addPublisher();
});
afterAll(async () => {
  for (const client of clients) client.close();
  await Promise.all(gateways.map((gateway) => gateway.stop("SIGKILL")));
  await redis.stop();
});

async function connectTo({ url }: GatewayProcess): Promise<TestClient> {
  const client = await connectClient(url, { token: await issuer.sign({ sub: "carol" }) });
  clients.push(client);
  return client;
}

const keyOf = (channel: keyof typeof channels): string | undefined =>
  ({ none: undefined, user: "carol", marketId: "clustered" })[channels[channel].key];

const isNewestOnly = (channel: keyof typeof channels): boolean =>
  ["latest", "state"].includes(channels[channel].delivery);

describe("gateways on a Redis Cluster", () => {
  it.each(channelNames)("deliver %s in order on both, live and on resuming", async (channel) => {
    const key = keyOf(channel);
    const marketId = channels[channel].key === "marketId" ? key : undefined;
    const both = await Promise.all(gateways.map(connectTo));
    for (const client of both) expect(await client.ask("subscribe", { channel, marketId })).toMatchObject({ channel });
    const outcomes = await publisher.publish(messages(channel, key, 20));
    const ids = outcomes.map((outcome) => (outcome.status === "published" ? outcome.id : outcome.status));
    for (const client of both) {
      await expect.poll(() => client.ids(channel).at(-1)).toEqual(ids.at(-1));
      const got = client.of(channel);
      // Of what comes at once on a `latest` or `state` channel the newest is enough; the chain is whole either way.
      if (!isNewestOnly(channel)) expect(got.map(({ id }) => id)).toEqual(ids);
      expect(got.map(({ prev }) => prev)).toEqual(["0-0", ...got.slice(0, -1).map(({ id }) => id)]);
    }

    const back = await connectTo(gateways[0] as GatewayProcess);
    const held = isNewestOnly(channel) ? 1 : channels[channel].history.entries;
    const answer = await back.ask("subscribe", { channel, marketId, lastId: ids.at(-1 - Math.min(held, 5)) });
    expect(answer).toMatchObject({ id: ids.at(-1) });
    await expect.poll(() => back.ids(channel)).toEqual(ids.slice(-Math.min(held, 5)));
  });

  it("deliver every market to a subscriber of the whole channel", async () => {
    const markets = Array.from({ length: 60 }, (_, index) => `spread-${index}`);
    const [client] = await Promise.all(gateways.map(connectTo));
    await client?.ask("subscribe", { channel: "market:trades" });
    await publisher.publish(markets.flatMap((market) => messages("market:trades", market, 3)));
    await expect
      .poll(() => client?.of("market:trades").filter((m) => m.marketId?.startsWith("spread-")).length)
      .toBe(180);
  });
});
