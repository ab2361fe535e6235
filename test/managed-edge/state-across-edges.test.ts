import { afterAll, beforeAll, expect, it } from "vitest";
import type { DataEvent } from "../../contract/messages.ts";
import { type GatewayProcess, startGateway } from "../../local/gateway.ts";
import { connectClient } from "../support/client.ts";
import { manyLevels, nextMarket, received, StrictReceiver, startBooksEdge } from "../support/edge-books.ts";

const channel = "market:orderbook";
const levels = manyLevels(20);

const { edge, publish, subscribe } = await startBooksEdge();
let gateway: GatewayProcess;

/** Both edges use one Redis and one issuer. */
beforeAll(async () => {
  gateway = await startGateway({ ...edge.issuer.env, RT_REDIS_URL: edge.redis.url });
});
afterAll(() => gateway.stop());

async function subscribeAtGateway(request: object) {
  const client = await connectClient(gateway.url);
  const answer = await client.ask("subscribe", { channel, ...request });
  return { answer, messages: () => client.messages as DataEvent[], close: () => client.close() };
}

it("a receiver of changes goes to the managed edge and back by its position alone", async () => {
  const marketId = nextMarket();
  const receiver = new StrictReceiver();
  await publish(marketId, levels);
  const first = await subscribeAtGateway({ marketId, changes: true });
  const second = await publish(marketId, { ...levels, "0.499": "2" });
  await expect.poll(() => first.messages().at(-1)?.id).toBe(second.id);
  receiver.takeAll(first.messages());
  first.close();

  await publish(marketId, { ...levels, "0.499": "3" });
  const third = await publish(marketId, { ...levels, "0.498": "3" });
  const onEdge = await subscribe({ marketId, changes: true, lastId: receiver.lastId });
  expect(onEdge.answer).toMatchObject({ recovered: true, id: third.id });
  const fourth = await publish(marketId, { ...levels, "0.498": "4" });
  const events = await received(onEdge.client, fourth.id);
  expect(events.every((event) => "changes" in event)).toBe(true);
  receiver.takeAll(events);
  onEdge.client.close();

  const last = await publish(marketId, { ...levels, "0.497": "5" });
  const back = await subscribeAtGateway({ marketId, changes: true, lastId: receiver.lastId });
  await expect.poll(() => back.messages().at(-1)?.id).toBe(last.id);
  expect(back.messages().map((event) => "changes" in event)).toEqual([true]);
  expect(receiver.takeAll(back.messages())).toMatchObject({ state: { value: last.truth } });
  back.close();
});

it("a view of a depth is the same on both edges, and goes from one to the other", async () => {
  const marketId = nextMarket();
  await publish(marketId, levels);
  const request = { marketId, changes: true, depth: 5 };
  const first = await subscribeAtGateway(request);
  const onEdge = await subscribe(request);
  await publish(marketId, { ...levels, "0.485": "2" });
  const { id } = await publish(marketId, { ...levels, "0.499": "2" });
  await expect.poll(() => first.messages().at(-1)?.id).toBe(id);

  const here = new StrictReceiver().takeAll(first.messages());
  const there = new StrictReceiver().takeAll(await received(onEdge.client, id));
  expect(there).toMatchObject({ state: here.state });
  const back = await subscribeAtGateway({ ...request, lastId: there.lastId });
  expect(back.answer).toMatchObject({ id, recovered: true });
  expect(back.messages()).toEqual([]);
  for (const each of [first, back]) each.close();
});
