import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Channel } from "../../contract/channels.ts";
import { roomName, type Stream } from "../../contract/stream.ts";
import { edgeCursorKey, edgeMarkerKey, streamKey } from "../../kernel/streams/redis-keys.ts";
import { startTestEdge } from "../support/edge.ts";
import { message, messages, timeOf } from "../support/messages.ts";

/** Lead of Redis's clock, in ms. */
const AHEAD_MS = 60_000;

const edge = await startTestEdge();

const idle = (): Promise<void> => expect.poll(() => edge.queue.size()).toBe(0);

const cursorOf = (stream: Stream) => edge.commands.get(edgeCursorKey(stream));

/** Publishes a message as the script does, with the given id. */
async function publishAt(stream: Stream & { readonly key: string }, id: string): Promise<void> {
  const { channel, key } = stream;
  const { data, version = 0 } = message(channel, key, 1);
  const [top] = await edge.commands.xrevrange(streamKey(stream), "+", "-", "COUNT", 1);
  const body = JSON.stringify({ channel, marketId: key, data }).slice(0, -1);
  const guard = channel === "market:trades" ? [] : ["v", String(version), "e", " "];
  await edge.commands.xadd(streamKey(stream), id, "m", body, "p", top?.[0] ?? "0-0", ...guard);
  await edge.commands.zadd(`index:{${channel}}`, Date.now(), key);
}

const cases: readonly (readonly [Channel, boolean])[] = [
  ["market:trades", false],
  ["market:trades", true],
  ["market:prices", false],
  ["market:prices", true],
];

describe.each(cases)("%s, the whole channel: %s", (channel, isWhole) => {
  const name = `${channel}-${isWhole}`;

  const request = (market: string, lastId?: string) => ({
    channel,
    ...(isWhole ? {} : { marketId: market }),
    ...(lastId === undefined ? {} : { lastId: isWhole ? { [market]: lastId } : lastId }),
  });

  async function subscribe(market: string, lastId?: string) {
    const client = await edge.connect();
    const answer = await client.ask("subscribe", request(market, lastId));
    const received = () => client.messages.filter(({ marketId }) => marketId === market);
    return { client, answer, received, id: String(isWhole ? Object(answer.ids)[market] : answer.id) };
  }

  it("continues after Redis's clock was ahead and is set back", async () => {
    const market = `jumped-${name}`;
    const ahead = `${Date.now() + AHEAD_MS}-0`;
    await publishAt({ channel, key: market }, ahead);

    const { id, received } = await subscribe(market);
    const [next] = await edge.publish([message(channel, market, 2)]);

    expect(id).toBe(ahead);
    await expect.poll(() => received().at(-1)?.id).toBe(next);
    expect(received().at(-1)?.prev).toBe(ahead);
    await idle();
    // The same for a client that resumes, while the cursor has an id of that time.
    const { received: again, answer } = await subscribe(market, ahead);
    const [last] = await edge.publish([message(channel, market, 3)]);
    expect(answer).toMatchObject({ recovered: true });
    await expect
      .poll(() => again().map((data) => [data.id, data.prev]))
      .toEqual([
        [next, ahead],
        [last, next],
      ]);
  });

  it.each([
    ["no JSON", "nonsense"],
    ["no cursor", '"5"'],
    ["an id that is none", '{"id":"yesterday"}'],
    ["an id ahead of everything", '{"id":"999999999999999-0"}'],
  ])("replaces a cursor that is not valid: %s", async (kind, text) => {
    const market = `cursor-${name}-${kind}`;
    await edge.publish([message(channel, market, 1)]);
    const { received } = await subscribe(market);
    await edge.commands.set(edgeCursorKey({ channel, key: market }), text);

    const [second] = await edge.publish([message(channel, market, 2)]);
    await expect.poll(() => received().at(-1)?.id).toBe(second);
    await idle();
    const [third] = await edge.publish([message(channel, market, 3)]);

    await expect.poll(() => received().at(-1)?.id).toBe(third);
    expect(received().at(-1)?.prev).toBe(second);
    await idle();
    expect(JSON.parse(String(await cursorOf({ channel, key: market })))).toEqual({ id: third });
  });

  it("reads a key of another type in the cursor's place as no cursor", async () => {
    const market = `list-${name}`;
    const { received } = await subscribe(market);
    await edge.commands.lpush(edgeCursorKey({ channel, key: market }), "x");

    const [id] = await edge.publish([message(channel, market, 1)]);

    await expect.poll(() => received().at(-1)?.id).toBe(id);
  });

  it("delivers the newest message with its own `prev` where Redis has lost what clients have", async () => {
    const market = `reset-${name}`;
    await publishAt({ channel, key: market }, `${Date.now() + AHEAD_MS}-0`);
    const { received } = await subscribe(market);
    const [lost] = await edge.publish([message(channel, market, 2)]);
    await expect.poll(() => received().at(-1)?.id).toBe(lost);
    await idle();
    await edge.commands.del(streamKey({ channel, key: market }));

    const [first] = await edge.publish([message(channel, market, 3)]);
    await expect.poll(() => received().at(-1)?.id).toBe(first);
    expect(received().at(-1)?.prev).toBe("0-0");
    await idle();
    const [second] = await edge.publish([message(channel, market, 4)]);
    await expect.poll(() => received().at(-1)?.id).toBe(second);
    expect(received().at(-1)?.prev).toBe(first);

    const { answer, id } = await subscribe(market, lost);
    expect(answer).toMatchObject({ recovered: false });
    expect(id).toBe(second);
  });

  it("delivers it to a client that has only what was lost", async () => {
    const market = `lost-start-${name}`;
    await publishAt({ channel, key: market }, `${Date.now() + AHEAD_MS}-0`);
    const { received } = await subscribe(market);
    const before = received().length;
    await edge.commands.del(streamKey({ channel, key: market }));

    const [first] = await edge.publish([message(channel, market, 2)]);

    await expect
      .poll(() =>
        received()
          .slice(before)
          .map(({ id }) => id),
      )
      .toEqual([first]);
  });

  it("a client that subscribes while messages are in the queue gets each of them once", async () => {
    const market = `waiting-${name}`;
    const early = await subscribe(market);
    const [first] = await edge.publish([message(channel, market, 1)]);
    await expect.poll(() => early.received().at(-1)?.id).toBe(first);
    await idle();
    const held: (() => void)[] = [];
    edge.faults.fanOut = async (event, run) => {
      await new Promise<void>((resolve) => held.push(resolve));
      return run(event);
    };
    const waiting = await edge.publish(messages(channel, market, 3, 2));

    const late = await subscribe(market);
    edge.faults.fanOut = (event, run) => run(event);
    for (const release of held) release();
    await idle();
    const [last] = await edge.publish([message(channel, market, 9)]);

    expect(late.id).toBe(waiting.at(-1));
    await expect.poll(() => early.received().at(-1)?.id).toBe(last);
    await expect.poll(() => late.received().at(-1)?.id).toBe(last);
    const isLatest = channel === "market:prices";
    const chain = early.received().map(({ id }) => id);
    expect(chain).toEqual(isLatest ? [first, waiting.at(-1), last] : [first, ...waiting, last]);
    expect(late.received().map(({ id }) => id)).toEqual(isLatest ? [waiting.at(-1), last] : [last]);
    expect(late.received().at(-1)?.prev).toBe(waiting.at(-1));
  });
});

describe("the first subscribers of a whole channel", () => {
  const keys = Array.from({ length: 20 }, (_, index) => (index === 0 ? "__proto__" : `first-${index}`));
  const whole = { channel: "market:orderbook" } as const;

  it("set the cursors of its streams without other subscribers; every client gets every message once", async () => {
    await edge.publish(keys.map((key) => message(whole.channel, key, 1)));
    const single = await edge.connect();
    await single.ask("subscribe", { ...whole, marketId: "first-1" });
    await edge.commands.del(edgeMarkerKey(roomName(whole)));
    const isFlowing = { value: true };
    const flow = (async () => {
      for (let number = 2; isFlowing.value; number += 1) {
        const batch = keys.map((key) => message(whole.channel, key, number));
        await edge.publish(batch);
        await delay(100);
        // A machine that is slow would otherwise run into the functions' own time limits.
        await expect.poll(() => edge.queue.size()).toBeLessThan(keys.length);
      }
    })();

    const joined = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const client = await edge.connect();
        return { client, answer: await client.askUntilAvailable("subscribe", whole) };
      }),
    );
    isFlowing.value = false;
    await flow;
    await idle();
    await edge.publish(keys.map((key) => message(whole.channel, key, 1_000_000)));
    await idle();

    for (const { client, answer } of joined) {
      expect(answer).toHaveProperty("ids");
      for (const key of keys) {
        await expect
          .poll(() => client.messages.findLast(({ marketId }) => marketId === key)?.data.time)
          .toBe(timeOf(1_000_000));
        const received = client.messages.filter(({ marketId }) => marketId === key);
        expect(Object.hasOwn(Object(answer.ids), key)).toBe(true);
        expect(received.slice(1).map(({ prev }) => prev)).toEqual(received.slice(0, -1).map(({ id }) => id));
      }
    }
    expect(await edge.commands.get(edgeMarkerKey(roomName(whole)))).toBe("1");
  });

  it("go on after a while where the one that sets the cursors has ended", async () => {
    await edge.commands.set(edgeMarkerKey("{market:trades}"), "first:somebody", "EX", 900);
    const client = await edge.connect();

    await client.ask("subscribe", { channel: "market:trades" });
    const [id] = await edge.publish([message("market:trades", "half-way", 1)]);

    await expect.poll(() => client.ids("market:trades")).toEqual([id]);
  });
});
