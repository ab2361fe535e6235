import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { stateKey, streamKey } from "../../kernel/streams/redis-keys.ts";
import { setUpGateway, untilLive } from "./set-up.ts";
import { StateService, seeded, someRows } from "./state-service.ts";
import { watch } from "./watch.ts";

const channel = "market:orderbook";
const gateway = setUpGateway();
const random = seeded(20_261_128);

async function publish(book: StateService): Promise<string> {
  book.publish(someRows(book.value, random));
  const { marketId, value } = book;
  const message = { channel, key: marketId, eventId: randomUUID(), data: value } as const;
  return String((await gateway.platform.publish([message]))[0]);
}

it("the status of a whole channel is not live while one of its markets cannot be served, also at a new connection", async () => {
  const books = ["unavailable-a", "unavailable-b"].map((marketId) => new StateService(marketId));
  const [damaged, sound] = books as [StateService, StateService];
  const id = await publish(damaged);
  await publish(sound);
  const client = gateway.connect();
  const all = watch(client, channel);
  const one = watch(client, channel, { marketId: sound.marketId });
  await untilLive(all, one);

  const stream = { channel, key: damaged.marketId } as const;
  const { commands } = gateway.platform;
  await commands.del(stateKey(stream));
  const changes = { head: { time: Date.now() }, rows: { "yes.bids.0.1": "4" } };
  const body = JSON.stringify({ channel, marketId: damaged.marketId, changes, sum: 1 }).slice(0, -1);
  await commands.xadd(streamKey(stream), `${Date.now() + 1_000}-0`, "m", body, "p", id);
  await expect.poll(() => all.subscription.status).toBe("resuming");
  const late = watch(gateway.connect(), channel);
  client.reconnect();
  await publish(sound);
  for (const seen of [all, late]) {
    await expect
      .poll(() => seen.messages.findLast(({ marketId }) => marketId === sound.marketId)?.data)
      .toEqual(sound.value);
  }
  await expect.poll(() => one.subscription.status).toBe("live");
  // Of the market that cannot be served nothing was shown to who came late, and neither claims to be live.
  expect(late.statuses).not.toContain("live");
  expect(late.messages.filter(({ marketId }) => marketId === damaged.marketId)).toEqual([]);
  expect(all.subscription.status).toBe("resuming");
  const added = watch(client, channel);
  expect(added.statuses).not.toContain("live");

  await publish(damaged);
  await untilLive(all, late, added);
  for (const seen of [all, late, added]) {
    expect(seen.messages.findLast(({ marketId }) => marketId === damaged.marketId)?.data).toEqual(damaged.value);
  }
});
