import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import { InvalidMessageError, VersionAheadError } from "../../kernel/streams/publish-errors.ts";
import { createPublisher, PublishError, type Publisher } from "../../kernel/streams/publisher.ts";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import { message } from "../support/messages.ts";
import { redisKinds, startTestRedis, type TestRedis } from "../support/redis.ts";

const HOUR = 3_600_000;

interface Version {
  readonly version?: number;
  readonly versionEpoch?: string;
}

let events = 0;

/** A price of a market with a version; each is another event. */
function price(key: string, version: Version, time = Date.now()): ChannelMessage {
  events += 1;
  const { data } = message("market:prices", key, 1);
  return { channel: "market:prices", key, eventId: `price-${events}`, data: { ...data, time }, ...version } as never;
}

const epoch = (name: string, version: number): Version => ({ version, versionEpoch: name });

describe.each(redisKinds)("the versions of one market, on %s", (kind) => {
  let redis: TestRedis;
  let publisher: Publisher;
  beforeAll(async () => {
    redis = await startTestRedis(kind);
    publisher = redis.addPublisher();
  });
  afterAll(() => redis.stop());

  const statusOf = async (given: ChannelMessage): Promise<string | undefined> =>
    (await publisher.publish([given]))[0]?.status;

  async function errorOf(given: ChannelMessage): Promise<Error> {
    const error: unknown = await publisher.publish([given]).catch((reason: unknown) => reason);
    if (!(error instanceof PublishError) || !(error.cause instanceof Error)) throw new Error("it was taken");
    return error.cause;
  }

  const isHeld = async (key: string): Promise<boolean> =>
    (await redis.commands.exists(streamKey({ channel: "market:prices", key }))) === 1;

  it("never lets an old value replace a newer one", async () => {
    const now = Date.now();
    const at = (milliseconds: number, eventId: string): ChannelMessage => ({
      ...price("guarded", { version: now + milliseconds }),
      eventId,
    });
    const outcomes = await publisher.publish([
      at(10, "a"),
      at(9, "b"),
      at(10, "c"),
      at(10, "a"),
      at(11, "d"),
      at(10, "a"),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...["published", "stale", "published", "duplicate", "published", "stale"],
    ]);
    expect(outcomes[1]).toMatchObject({ version: now + 9, heldVersion: now + 10, staleForMs: 0 });
  });

  it("are the payload's time by default", async () => {
    const now = Date.now();
    expect(await statusOf(price("by-time", {}, now))).toBe("published");
    expect(await statusOf(price("by-time", {}, now - 1))).toBe("stale");
    expect(await statusOf(price("by-time", { version: now + 1 }, now - 1))).toBe("published");
  });

  it.each([
    ["an hour ahead", () => ({ version: Date.now() + HOUR }), /is 3[56]\d\d(\.\d)? s ahead of Redis: .* versionEpoch/],
    ["in seconds", () => ({ version: Math.floor(Date.now() / 1_000) }), /looks like seconds: expected a time in milli/],
    ["in microseconds", () => ({ version: Date.now() * 1_000 }), /looks like microseconds/],
    ["in nanoseconds", () => ({ version: Date.now() * 1_000_000 }), /looks like nanoseconds/],
    ["a counter", () => ({ version: 5_000 }), /looks like a counter: .* send versionEpoch if it is a sequence number/],
    ["2^53-1", () => ({ version: 2 ** 53 - 1 }), /looks like microseconds/],
    ["2^53", () => ({ version: 2 ** 53 }), /version: must be at most 2\^53-1/],
    ["negative", () => ({ version: -1 }), /version: must not be negative/],
    ["a fraction", () => ({ version: 1.5 }), /version: must be a whole number/],
    ["not a number", () => ({ version: Number.NaN }), /version: .*NaN/],
    ["2^53 in an epoch", () => epoch("a", 2 ** 53), /version: must be at most 2\^53-1/],
    ["an epoch without a version", () => ({ versionEpoch: "a" }), /versionEpoch: needs a version/],
    ["an empty epoch", () => epoch("", 1), /versionEpoch:/],
    ["an epoch of 65 characters", () => epoch("e".repeat(65), 1), /versionEpoch:/],
    ["an epoch with a line break", () => epoch("a\n", 1), /versionEpoch:/],
  ])("refuses a version that is %s, and takes the next right one", async (name, version, text) => {
    const key = `wrong ${name}`;
    const error = await errorOf(price(key, version()));
    expect(error).toBeInstanceOf(InvalidMessageError);
    expect(error.message).toMatch(text);
    expect(await isHeld(key)).toBe(false);
    expect(await statusOf(price(key, {}))).toBe("published");
  });

  it("refuses a payload's time that is too far ahead, naming stream and version", async () => {
    const time = Date.now() + HOUR;
    const error = await errorOf(price("time-ahead", {}, time));
    expect(error).toBeInstanceOf(VersionAheadError);
    expect(error.message).toContain(`market:prices time-ahead: version ${time}`);
    expect(error.message).toContain("at most 60 s ahead of Redis");
  });

  it("may be ahead by the configured limit, and no more", async () => {
    const lenient = createPublisher(redis.addPublisherConnection(), { maximumClockSkewMs: 2 * HOUR });
    const [outcome] = await lenient.publish([price("lenient", { version: Date.now() + HOUR })]);
    expect(outcome?.status).toBe("published");
    await expect(lenient.publish([price("lenient", { version: Date.now() + 3 * HOUR })])).rejects.toThrow(
      /7200 s ahead/,
    );
  });

  it("may be hours old: a backlog is published in order after an outage", async () => {
    const start = Date.now() - 20 * HOUR;
    for (const step of [0, 1, 2]) expect(await statusOf(price("late", {}, start + step * HOUR))).toBe("published");
  });

  it("where one is refused, the others of the batch are published", async () => {
    const [first, second] = [price("batch", {}), price("batch", { version: 7 })];
    const error: unknown = await publisher.publish([second, first]).catch((reason: unknown) => reason);
    if (!(error instanceof PublishError)) throw new Error("it was taken");
    expect(error.outcomes.map(({ status }) => status)).toEqual(["failed", "published"]);
  });

  it("start anew with each epoch, and a replaced epoch is stale", async () => {
    const key = "epochs";
    expect(await statusOf(price(key, epoch("first", 5_000)))).toBe("published");
    expect(await statusOf(price(key, epoch("first", 4_999)))).toBe("stale");
    expect(await statusOf(price(key, epoch("second", 1)))).toBe("published");
    expect((await publisher.publish([price(key, epoch("first", 5_001))]))[0]).toMatchObject({
      ...{ status: "stale", version: 5_001, heldVersion: 1, heldEpoch: "second" },
    });
    expect(await statusOf(price(key, epoch("second", 0)))).toBe("stale");
    expect(await statusOf(price(key, epoch("second", 2)))).toBe("published");
    expect(await statusOf(price(key, epoch("second", 2 ** 53 - 1)))).toBe("published");
  });

  it("remember the last eight epochs in limited space, whatever their names", async () => {
    const name = (number: number) => `${"日".repeat(60)}${number}`;
    for (let number = 1; number <= 20; number += 1) {
      expect(await statusOf(price("many-epochs", epoch(name(number), 1)))).toBe("published");
    }
    for (let number = 13; number <= 19; number += 1) {
      expect(await statusOf(price("many-epochs", epoch(name(number), 2)))).toBe("stale");
    }
    const [[, fields] = ["", []]] = await redis.commands.xrange(
      streamKey({ channel: "market:prices", key: "many-epochs" }),
      "-",
      "+",
    );
    expect(fields[9]?.length).toBeLessThan(1_000);
  });

  it("are times or numbers of an epoch, and a mixture is refused with what was expected", async () => {
    await publisher.publish([price("times", {}), price("numbers", epoch("run 1", 7))]);
    const toTimes = await errorOf(price("times", epoch("run 1", 7)));
    expect(toTimes).toBeInstanceOf(InvalidMessageError);
    expect(toTimes.message).toMatch(/market:prices times: the versions so far are times, .* reset the stream/);
    const toNumbers = await errorOf(price("numbers", {}));
    expect(toNumbers.message).toMatch(/the versions so far are numbers of the epoch "run 1", and version \d+ has none/);
    expect(await statusOf(price("times", {}))).toBe("published");
    expect(await statusOf(price("numbers", epoch("run 1", 8)))).toBe("published");
  });
});
