import { createHash } from "node:crypto";
import { afterEach, describe, expect, it, vi } from "vitest";
import { channels } from "../../contract/channels.ts";
import { PublisherClockError } from "../../kernel/streams/publish-errors.ts";
import { PublishError } from "../../kernel/streams/publisher.ts";
import { seenKey, streamKey } from "../../kernel/streams/redis-keys.ts";
import { message } from "../support/messages.ts";
import { redisKinds } from "../support/redis.ts";
import { useTestRedis } from "../support/suite-redis.ts";

const CHANNEL = "user:notifications";
const SECONDS = channels[CHANNEL].dedupeSeconds;

const hashOf = (eventId: string): string => createHash("sha256").update(eventId).digest().readBigInt64BE().toString();

describe.each(redisKinds)("an event that was published before, on %s", (kind) => {
  const suite = useTestRedis(kind);
  afterEach(() => vi.useRealTimers());

  const presentWindow = (): number => Math.floor(Date.now() / 1_000 / SECONDS);

  /** Resolves with the outcome of an event that is in the set of a window, counted from the present one. */
  async function publishSeen(offset: number): Promise<string | undefined> {
    const key = `seen-${offset}`;
    const stream = { channel: CHANNEL, key } as const;
    await suite.redis.commands.sadd(seenKey(stream, presentWindow() + offset), hashOf(`event-${offset}`));
    const [outcome] = await suite.publisher.publish([{ ...message(CHANNEL, key, 1), eventId: `event-${offset}` }]);
    return outcome?.status;
  }

  it("is remembered in the present window and the one before, and no longer", async () => {
    expect(await publishSeen(0)).toBe("duplicate");
    expect(await publishSeen(-1)).toBe("duplicate");
    expect(await publishSeen(-2)).toBe("published");
  });

  it("is remembered for at least one window, and for little more than two", async () => {
    const stream = { channel: CHANNEL, key: "lifetime" } as const;
    await suite.publisher.publish([message(CHANNEL, "lifetime", 1)]);

    const lifetime = await suite.redis.commands.ttl(seenKey(stream, presentWindow()));
    expect(lifetime).toBeGreaterThan(SECONDS);
    expect(lifetime).toBeLessThanOrEqual(2 * SECONDS + 300);
  });

  it("is found by publishers whose clocks are up to a window apart", async () => {
    const event = message(CHANNEL, "clocks", 1);
    const now = Date.now();
    vi.useFakeTimers({ toFake: ["Date"] });
    const statuses: (string | undefined)[] = [];
    for (const offset of [1, -1, 0, 1, -1]) {
      vi.setSystemTime(now + offset * SECONDS * 1_000);
      statuses.push((await suite.publisher.publish([event]))[0]?.status);
    }
    expect(statuses).toEqual(["published", "duplicate", "duplicate", "duplicate", "duplicate"]);
  });

  it.each([
    [3, "259200 s ahead of Redis's"],
    [-3, "259200 s behind Redis's"],
  ])(
    "is not found by a publisher whose clock is %s days off, which publishes nothing and fails",
    async (days, text) => {
      const key = `wrong-clock${days}`;
      const now = Date.now();
      vi.useFakeTimers({ toFake: ["Date"] });
      vi.setSystemTime(now + days * 86_400_000);
      const error: unknown = await suite.publisher
        .publish([message(CHANNEL, key, 1)])
        .catch((reason: unknown) => reason);
      vi.useRealTimers();

      if (!(error instanceof PublishError)) throw new Error("it was taken");
      expect(error.cause).toBeInstanceOf(PublisherClockError);
      expect(error.message).toMatch(new RegExp(`${CHANNEL} ${key}: this machine's clock is 259(199|200)(\\.\\d)? s`));
      expect(error.message).toContain(text.split(" s ")[1]);
      expect(await suite.redis.commands.exists(streamKey({ channel: CHANNEL, key }))).toBe(0);
    },
  );

  it("is distinguished from another event of the same version, however long the ids", async () => {
    const price = (number: number) => ({
      ...message("market:prices", "long-ids", 1),
      eventId: `${"é".repeat(240)}${number}`,
    });
    const events = Array.from({ length: 20 }, (_, number) => price(number));
    const statuses = async () => (await suite.publisher.publish(events)).map(({ status }) => status);

    expect(new Set(await statuses())).toEqual(new Set(["published"]));
    expect(new Set(await statuses())).toEqual(new Set(["duplicate"]));
  });

  it("takes limited space for one version: 128 events, at most 2 KB", async () => {
    const price = (number: number) => ({ ...message("market:prices", "many", 1), eventId: `event-${number}` });
    const events = Array.from({ length: 1_000 }, (_, number) => price(number));
    await suite.publisher.publish(events);

    const again = (await suite.publisher.publish(events.slice(-128))).map(({ status }) => status);
    expect(new Set(again)).toEqual(new Set(["duplicate"]));
    const [[, fields] = ["", []]] = await suite.redis.commands.xrange(
      streamKey({ channel: "market:prices", key: "many" }),
      "-",
      "+",
    );
    expect(fields[7]?.length).toBeLessThan(2_048);
  });
});
