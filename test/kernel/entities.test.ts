import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { channelDefinition } from "../../contract/channels.ts";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import type { Publisher } from "../../kernel/streams/publisher.ts";
import { guardKey, streamKey } from "../../kernel/streams/redis-keys.ts";
import { message } from "../support/messages.ts";
import { redisKinds, startTestRedis, type TestRedis } from "../support/redis.ts";

/** Channels whose messages are whole states: only the version says which one is newer. */
const channels = ["user:orders", "user:copy-trade", "user:portfolio"] as const;

type StateChannel = (typeof channels)[number] | "market:prices";

interface State {
  readonly channel: StateChannel;
  readonly key: string;
  /** The id of the order or copy trade; unused on channels with one state. */
  readonly id: string;
  readonly time: number;
  readonly eventId?: string;
}

let events = 0;

function state({ channel, key, id, time, eventId }: State): ChannelMessage {
  events += 1;
  const { data } = message(channel, key, 1);
  const own = "id" in data ? { id } : {};
  return { channel, key, eventId: eventId ?? `state-${events}`, data: { ...data, ...own, time } } as never;
}

const start = Date.now() - 3_600_000;

describe.each(redisKinds)("whole states, on %s", (kind) => {
  let redis: TestRedis;
  let publisher: Publisher;
  beforeAll(async () => {
    redis = await startTestRedis(kind);
    publisher = redis.addPublisher();
  });
  afterAll(() => redis.stop());

  const statuses = async (...messages: ChannelMessage[]) =>
    (await publisher.publish(messages)).map(({ status }) => status);

  /** Resolves with the messages that a subscriber gets, in order. */
  async function delivered(channel: StateChannel, key: string): Promise<{ id?: string; time: number }[]> {
    const entries = await redis.commands.xrange(streamKey({ channel, key }), "-", "+");
    return entries.map(([, fields]) => {
      const { data, changes } = JSON.parse(`${fields[1]}}`);
      return data ?? changes.head;
    });
  }

  it("of an order: a retried `open` does not replace `filled`", async () => {
    const order = (status: string, time: number): ChannelMessage => {
      const given = state({ channel: "user:orders", key: "retried", id: "order-1", time });
      return { ...given, data: { ...given.data, status } } as never;
    };
    const [open, filled] = [order("open", start), order("filled", start + 300)];
    expect(await statuses(filled)).toEqual(["published"]);
    expect(await statuses(open)).toEqual(["stale"]);
    expect(await delivered("user:orders", "retried")).toMatchObject([{ status: "filled" }]);
  });

  it.each(channels)(
    "%s: an older state is stale, the same event a duplicate, equal times keep their order",
    async (channel) => {
      const at = (time: number, eventId?: string) =>
        state({ channel, key: "rules", id: "one", time: start + time, ...(eventId ? { eventId } : {}) });
      expect(await statuses(at(10, "a"), at(9), at(10, "b"), at(10, "a"), at(11), at(10, "b"), at(10, "c"))).toEqual([
        ...["published", "stale", "published", "duplicate", "published", "duplicate", "stale"],
      ]);
      expect((await delivered(channel, "rules")).map(({ time }) => time - start)).toEqual([10, 10, 11]);
    },
  );

  it("of one order hold up no other order, and of one user no other user", async () => {
    const order = (key: string, id: string, time: number) => state({ channel: "user:orders", key, id, time });
    expect(
      await statuses(
        order("first", "a", start + 5),
        order("first", "b", start + 1),
        order("second", "a", start + 1),
        order("first", "a", start + 4),
      ),
    ).toEqual(["published", "published", "published", "stale"]);
  });

  it("may be counted in an epoch, order by order", async () => {
    const counted = (id: string, version: number, versionEpoch: string): ChannelMessage =>
      ({ ...state({ channel: "user:orders", key: "counted", id, time: start }), version, versionEpoch }) as never;
    expect(await statuses(counted("a", 3, "x"), counted("a", 2, "x"), counted("b", 1, "y"))).toEqual([
      ...["published", "stale", "published"],
    ]);
    expect(await statuses(counted("a", 1, "y"), counted("a", 4, "x"))).toEqual(["published", "stale"]);
    const plain = state({ channel: "user:orders", key: "counted", id: "a", time: start + 10 });
    await expect(publisher.publish([plain])).rejects.toThrow(/user:orders counted \(a\): .* epoch "y"/);
  });

  it("are guarded for at least the newest 1,000 orders, in bounded memory", async () => {
    const stream = { channel: "user:orders", key: "many" } as const;
    const order = (number: number, time: number) => state({ ...stream, id: `order-${number}`, time });
    const sizes = () =>
      Promise.all((["current", "previous"] as const).map((part) => redis.commands.hlen(guardKey(stream, part))));
    for (let first = 0; first < 3_500; first += 500) {
      await publisher.publish(Array.from({ length: 500 }, (_, index) => order(first + index, start + 10)));
      for (const size of await sizes()) expect(size).toBeLessThanOrEqual(1_000);
    }

    const newest = Array.from({ length: 1_000 }, (_, index) => order(3_499 - index, start));
    expect(new Set(await statuses(...newest))).toEqual(new Set(["stale"]));
    // Its version is no longer remembered.
    expect(await statuses(order(0, start))).toEqual(["published"]);
    const lifetime = await redis.commands.ttl(guardKey(stream, "previous"));
    expect(lifetime).toBeGreaterThan(channelDefinition("user:orders").history.seconds - 300);
  });

  it("are never published after a newer one, whatever the order of arrival, the batches and the retries", async () => {
    const arrival = fc.record({
      channel: fc.constantFrom<StateChannel>(...channels, "market:prices"),
      id: fc.constantFrom("a", "b", "c"),
      time: fc.integer({ min: 0, max: 20 }),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(arrival, { minLength: 1, maxLength: 40 }),
        fc.array(fc.nat(39), { maxLength: 20 }),
        fc.integer({ min: 1, max: 7 }),
        async (arrivals, retries, size) => {
          run += 1;
          const key = `run-${run}`;
          const first = arrivals.map(({ time, ...given }) => state({ ...given, key, time: start + time }));
          const again = retries.flatMap((index) => first[index] ?? []);
          const all = [...first, ...again];
          for (let from = 0; from < all.length; from += size) await publisher.publish(all.slice(from, from + size));
          for (const channel of [...channels, "market:prices"] as const) {
            const newest = new Map<string, number>();
            for (const { id = "", time } of await delivered(channel, key)) {
              expect(time).toBeGreaterThanOrEqual(newest.get(id) ?? 0);
              newest.set(id, time);
            }
            // The newest of each was published.
            for (const sent of first.filter((each) => each.channel === channel)) {
              const { id = "", time } = sent.data as { readonly id?: string; readonly time: number };
              expect(newest.get(id)).toBeGreaterThanOrEqual(time);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
