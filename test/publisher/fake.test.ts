import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Channel, channelDefinition, channelNames } from "../../contract/channels.ts";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import { EARLIEST_TIME_MS } from "../../contract/time-units.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { createPublisher, PublishError, type Publisher, type PublishOutcome } from "../../publisher/index.ts";
import { createFakePublisher } from "../../publisher/testing.ts";
import { message } from "../support/messages.ts";
import { changed } from "./publisher-suite.ts";

const NOW = Date.now();

/** A message of a few possible ones, so that events, versions and epochs meet. */
const publishing = fc.record({
  channel: fc.constantFrom(...channelNames),
  key: fc.constantFrom("a", "b"),
  event: fc.nat({ max: 7 }),
  entity: fc.constantFrom("x", "y"),
  // Times of the past, or of another unit.
  time: fc.constantFrom(NOW - 3_000, NOW - 2_000, NOW - 1_000, NOW),
  version: fc.constantFrom(undefined, undefined, NOW - 2_500, NOW - 500, 3, 4, 5),
  versionEpoch: fc.constantFrom(undefined, undefined, "run 1", "run 2", "run 3"),
  isBroken: fc.integer({ min: 0, max: 9 }).map((number) => number === 0),
});

type Publishing = typeof publishing extends fc.Arbitrary<infer T> ? T : never;

/** Of one run: keys and events of another run are others. */
function toMessage(run: number, { channel, key, event, entity, time, isBroken, ...rest }: Publishing): ChannelMessage {
  const ownKey = channelDefinition(channel).key === "none" ? undefined : `${key}${run}`;
  const { data } = message(channel, ownKey, 1);
  const id = "id" in data ? { id: entity } : {};
  const payload = isBroken ? { ...data, time: "soon" } : { ...data, ...id, time };
  return changed(channel, ownKey, { ...rest, eventId: `${run}-${event}`, data: payload });
}

/** An outcome without what two runs cannot share: ids, and times by the wall clock. */
function comparable(outcome: PublishOutcome): unknown {
  if (outcome.status === "published") return outcome.status;
  if (outcome.status === "failed") return [outcome.error.name, outcome.error.message];
  return outcome.status === "stale" ? { ...outcome, staleSince: 0, staleForMs: 0 } : outcome;
}

async function outcomesOf(publisher: Publisher, messages: readonly ChannelMessage[]): Promise<readonly unknown[]> {
  try {
    return (await publisher.publish(messages)).map(comparable);
  } catch (error) {
    if (error instanceof PublishError) return [error.message, ...error.outcomes.map(comparable)];
    throw error;
  }
}

describe("the fake publisher", () => {
  let redis: RunningRedis;
  let real: Publisher;
  beforeAll(async () => {
    redis = await startRedis();
    real = createPublisher({ redis: redis.url, logger: { warn: () => undefined } });
  });
  afterAll(async () => {
    await real.close();
    await redis.stop();
  });

  it("answers as the real one does, whatever is published", async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(publishing, { maxLength: 8 }), { maxLength: 8 }), async (calls) => {
        run += 1;
        const fake = createFakePublisher();
        for (const call of calls) {
          const messages = call.map((each) => toMessage(run, each));
          expect(await outcomesOf(fake, messages)).toEqual(await outcomesOf(real, messages));
        }
      }),
      { numRuns: 150 },
    );
  });

  it("records what went out, with its id, and nothing else", async () => {
    const fake = createFakePublisher({ now: () => 1_767_225_600_000 });
    const trade = message("market:trades", "m1", 1);
    await fake.publish([trade, trade]);
    await fake.publish(changed("market:trades", "m1", { data: {} })).catch(() => undefined);
    await fake.publish(message("market:trades", "m1", 2));
    expect(fake.published).toEqual([
      { ...trade, id: "1767225600000-0" },
      { ...message("market:trades", "m1", 2), eventId: expect.any(String), id: "1767225600000-1" },
    ]);
  });

  it("fails as often as it is asked to, and publishes with the retry", async () => {
    const fake = createFakePublisher();
    const trade = message("market:trades", "m1", 1);
    fake.failNext();
    fake.failNext(new TypeError("planned"));
    await expect(fake.publish(trade)).rejects.toThrow(/1 of 1 messages not published: Redis gave no answer/);
    const error: unknown = await fake.publish([trade, changed("market:trades", "m1", { data: {} })]).catch((e) => e);
    if (!(error instanceof PublishError)) throw error;
    expect(error.cause).toBeInstanceOf(TypeError);
    const names = error.outcomes.map((outcome) => outcome.status === "failed" && outcome.error.name);
    expect(names).toEqual(["TypeError", "InvalidMessageError"]);
    expect(fake.published).toEqual([]);
    expect(await fake.publish(trade)).toMatchObject([{ status: "published" }]);
  });

  it.each<[Channel, string | undefined]>([
    ["market:prices", "m1"],
    ["user:orders", "alice"],
  ])("answers duplicate or stale on %s where it is asked to, for one call", async (channel, key) => {
    const fake = createFakePublisher();
    fake.answerNext("stale");
    fake.answerNext("duplicate");
    const one = message(channel, key, 1);
    const [stale] = await fake.publish(one);
    const version = one.data.time;
    const run = { staleSince: expect.any(Number), staleForMs: 0 };
    expect(stale).toEqual({ status: "stale", version, heldVersion: version + 1, ...run });
    expect(await fake.publish(one)).toEqual([{ status: "duplicate" }]);
    expect(fake.published).toEqual([]);
    expect(await fake.publish(one)).toMatchObject([{ status: "published" }]);
  });

  it("reports since when only older states arrived, by its clock", async () => {
    let now = NOW;
    const fake = createFakePublisher({ now: () => now });
    const publish = (version: number) =>
      fake.publish(changed("market:prices", "m1", { version: NOW + version, eventId: `${now}-${version}` }));
    await publish(2);
    expect(await publish(1)).toMatchObject([{ staleSince: NOW, staleForMs: 0 }]);
    now += 1_000;
    expect(await publish(1)).toMatchObject([{ staleSince: NOW, staleForMs: 1_000 }]);
    // Another event of the same version, then a newer version: each is accepted and ends it.
    for (const version of [2, 3]) {
      await publish(version);
      now += 1_000;
      expect(await publish(1)).toMatchObject([{ staleSince: now, staleForMs: 0 }]);
    }
  });

  it("does not answer what the real one never does", async () => {
    const fake = createFakePublisher();
    fake.answerNext("stale");
    await expect(fake.publish(message("market:trades", "m1", 1))).rejects.toThrow(
      /never answers stale on market:trades/,
    );
  });

  it("takes the earliest version that is a time in milliseconds", async () => {
    const earliest = changed("market:prices", "m1", { version: EARLIEST_TIME_MS });
    expect(await createFakePublisher().publish(earliest)).toMatchObject([{ status: "published" }]);
  });

  it("is empty after reset()", async () => {
    const fake = createFakePublisher();
    const trade = message("market:trades", "m1", 1);
    await fake.publish(trade);
    fake.failNext();
    fake.reset();
    expect(fake.published).toEqual([]);
    expect(await fake.publish(trade)).toMatchObject([{ status: "published" }]);
  });

  it("accepts versions as far ahead of its clock as configured", async () => {
    const ahead = changed("market:prices", "m1", { version: NOW + 90_000 });
    await expect(createFakePublisher({ now: () => NOW }).publish(ahead)).rejects.toThrow(/90 s ahead of Redis/);
    const lenient = createFakePublisher({ now: () => NOW, maximumClockSkewMs: 90_000 });
    expect(await lenient.publish(ahead)).toMatchObject([{ status: "published" }]);
  });
});
