import { afterAll, beforeAll, expect, it } from "vitest";
import { channels } from "../../contract/channels.ts";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import { type GatewayProcess, startGateway } from "../../local/gateway.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { startTestEdge } from "../support/edge.ts";
import type { EdgeClient } from "../support/edge-client.ts";
import { message, messages } from "../support/messages.ts";

const edge = await startTestEdge();
let gateway: GatewayProcess;
let overGateway: TestClient;
let overEdge: EdgeClient;

/** Both edges use one Redis and one issuer. */
beforeAll(async () => {
  gateway = await startGateway({ ...edge.issuer.env, RT_REDIS_URL: edge.redis.url });
  overGateway = await connectClient(gateway.url);
  overEdge = await edge.connect();
});
afterAll(async () => {
  overGateway.close();
  await gateway.stop();
});

/** Events whose times differ, and that of the gateway alone. */
const isOfOneEdge = (event: string): boolean => ["heartbeat", "pong", "retry"].includes(event);

/** The events of a session that both edges send. */
const transcripts = () => ({
  gateway: overGateway.events
    .filter(({ name }) => !isOfOneEdge(name))
    .map(({ name, value }) => ({ event: name, data: value })),
  edge: overEdge.frames.filter(({ event }) => !isOfOneEdge(event)).map(({ event, data }) => ({ event, data })),
});

/** Sends the same request on both edges. Resolves once both have answered. */
async function ask(event: string, data?: unknown): Promise<Record<string, unknown>> {
  const [answer] = await Promise.all([overGateway.ask(event, data), overEdge.ask(event, data)]);
  return answer;
}

/** Resolves once both clients have received the message: messages follow an answer at different times. */
async function bothReceived(id: string | undefined): Promise<void> {
  for (const client of [overGateway, overEdge]) {
    await expect.poll(() => client.messages.some((data) => data.id === id)).toBe(true);
  }
}

/** Publishes one message after the other. Resolves once both clients have all of them. */
async function publish(batch: readonly ChannelMessage[]): Promise<string[]> {
  const ids: string[] = [];
  for (const each of batch) {
    const [id = ""] = await edge.publish([each]);
    ids.push(id);
    await bothReceived(id);
  }
  return ids;
}

it("a session is the same on both edges: subscribe, data, resume, errors, token renewal", async () => {
  const trades = { channel: "market:trades", marketId: "m" };
  const alice = await edge.issuer.sign({ sub: "alice" });
  const renewed = await edge.issuer.sign({ sub: "alice", expiresInSeconds: 7_200 });
  const bob = await edge.issuer.sign({ sub: "bob" });
  const expired = await edge.issuer.sign({ sub: "alice", expiresInSeconds: -60 });

  // Requests that are refused.
  await ask("subscribe", { channel: "market:nothing" });
  await ask("subscribe", { channel: 5 });
  await ask("subscribe", "market:trades");
  await ask("subscribe", { channel: "monitor:signals", marketId: "m" });
  await ask("subscribe", { ...trades, lastId: "yesterday" });
  await ask("subscribe", { ...trades, maxRate: 5 });
  await ask("subscribe", { channel: "market:trades", lastId: "1-1" });
  await ask("subscribe", { channel: "user:orders" });
  await ask("unsubscribe", { channel: "user:orders" });
  await ask("authenticate", { token: 5 });
  await ask("authenticate", { token: "not a token" });
  await ask("authenticate", { token: expired });

  // Subscribe, data, unsubscribe.
  await ask("subscribe", trades);
  const first = await publish(messages("market:trades", "m", 3));
  await ask("unsubscribe", trades);
  const missed = await edge.publish(messages("market:trades", "m", 4, 4));

  // Resume: after the last id, from the beginning, by a map, and from what is no longer held.
  await ask("subscribe", { ...trades, lastId: first[2] });
  await bothReceived(missed.at(-1));
  await publish(messages("market:trades", "m", 2, 8));
  await ask("subscribe", { channel: "market:trades", marketId: ["m", "none"], lastId: { m: missed[1], none: "0-0" } });
  await ask("unsubscribe", { channel: "market:trades", marketId: ["m", "none"] });
  const long = await edge.publish(messages("market:trades", "long", channels["market:trades"].history.entries + 10));
  await ask("subscribe", { channel: "market:trades", marketId: "long", lastId: "1-1" });
  await bothReceived(long.at(-1));

  // The latest value as a snapshot, of one market and of the whole channel, and conflated on resume.
  const prices = await edge.publish(messages("market:prices", "m", 3));
  await ask("subscribe", { channel: "market:prices", marketId: "m" });
  await publish([message("market:prices", "m", 4)]);
  await ask("subscribe", { channel: "market:prices", marketId: "m", lastId: prices[0] });
  await ask("subscribe", { channel: "market:orderbook" });
  await publish([message("market:orderbook", "m", 1)]);

  // A state channel by changes: live, resumed with one change, ahead of the stream, and options that are refused.
  await ask("unsubscribe", { channel: "market:orderbook" });
  const books = { channel: "market:orderbook", marketId: "s", changes: true };
  await ask("subscribe", books);
  const changes = await publish(messages("market:orderbook", "s", 4));
  await ask("subscribe", { ...books, lastId: changes[1] });
  await ask("subscribe", { ...books, lastId: changes[3] });
  await ask("subscribe", { ...books, lastId: "999999999999999-0" });
  await ask("subscribe", { channel: "market:orderbook", marketId: "s", depth: 1 });
  await ask("subscribe", { ...books, depth: 3 });
  await ask("subscribe", { channel: "market:orderbook", changes: true, depth: 5 });
  await ask("subscribe", { channel: "market:trades", changes: true });
  await ask("unsubscribe", { channel: "market:orderbook", marketId: "s" });
  await ask("subscribe", { channel: "monitor:signals", lastId: "0-0" });
  await publish([message("monitor:signals", undefined, 1)]);

  // Tokens: a private channel, renewal in place, another user, none.
  await ask("authenticate", { token: alice });
  await ask("subscribe", { channel: "user:orders" });
  await publish(messages("user:orders", "alice", 2));
  await ask("authenticate", { token: renewed });
  await publish([message("user:orders", "alice", 3)]);
  await ask("authenticate", { token: bob });
  await edge.publish([message("user:orders", "alice", 4)]);
  await ask("subscribe", { channel: "user:orders", lastId: "0-0" });
  await publish([message("user:orders", "bob", 1)]);
  await ask("authenticate", { token: null });
  await publish([message("monitor:signals", undefined, 2)]);

  const { gateway: expected, edge: actual } = transcripts();
  expect(actual).toEqual(expected);
  expect(expected.length).toBeGreaterThan(350);
});
