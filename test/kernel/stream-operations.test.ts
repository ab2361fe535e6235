import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import type { Stream } from "../../contract/stream.ts";
import { inspectStream, resetStream } from "../../kernel/operations/stream-operations.ts";
import { createPublisher, type Publisher, type PublishListener } from "../../kernel/streams/publisher.ts";
import { edgeCursorKey, frozenKey, indexKey, staleSinceKey, streamKey } from "../../kernel/streams/redis-keys.ts";
import { message } from "../support/messages.ts";
import { redisKinds, startTestRedis, type TestRedis } from "../support/redis.ts";
import { vezta } from "../support/vezta.ts";

const FAR_AHEAD = "999999999999999-0";

let events = 0;

function price(key: string, time = Date.now()): ChannelMessage {
  events += 1;
  const { data } = message("market:prices", key, 1);
  return { channel: "market:prices", key, eventId: `price-${events}`, data: { ...data, time } } as never;
}

describe.each(redisKinds)("a stream on %s", (kind) => {
  let redis: TestRedis;
  let publisher: Publisher;
  let resets: string[] = [];
  beforeAll(async () => {
    redis = await startTestRedis(kind);
    const listener: PublishListener = { reset: (stream, reason) => resets.push(`${stream.key} ${reason}`) };
    publisher = createPublisher(redis.addPublisherConnection(), { listener });
  });
  beforeEach(() => {
    resets = [];
  });
  afterAll(() => redis.stop());

  const ids = async (stream: Stream): Promise<string[]> =>
    (await redis.commands.xrange(streamKey(stream), "-", "+")).map(([id]) => id);

  it("whose newest id is far ahead of Redis's clock starts anew, and is reported", async () => {
    const stream = { channel: "user:orders", key: "forged" } as const;
    await redis.commands.xadd(streamKey(stream), FAR_AHEAD, "m", "{", "p", "0-0");
    expect(await inspectStream(redis.commands, stream)).toMatchObject({ newestId: FAR_AHEAD, isUnusable: true });

    const [outcome] = await publisher.publish([message("user:orders", "forged", 1)]);

    if (outcome?.status !== "published") throw new Error(outcome?.status);
    expect(Math.abs(Number.parseInt(outcome.id, 10) - Date.now())).toBeLessThan(60_000);
    expect(await ids(stream)).toEqual([outcome.id]);
    const [[, fields] = ["", []]] = await redis.commands.xrange(streamKey(stream), "-", "+");
    expect(fields.slice(2, 4)).toEqual(["p", "0-0"]);
    expect(resets).toEqual([`forged id ${FAR_AHEAD}`]);
    expect(await inspectStream(redis.commands, stream)).toMatchObject({ entries: 1, isUnusable: false, guarded: 1 });
  });

  it("that starts anew for its id still refuses versions older than the one it held", async () => {
    const stream = { channel: "market:prices", key: "kept-version" } as const;
    const now = Date.now();
    const fields = ["m", "{", "p", "0-0", "v", String(now), "e", " ", "g", ""];
    await redis.commands.xadd(streamKey(stream), FAR_AHEAD, ...fields);
    const statuses = (await publisher.publish([price("kept-version", now - 1), price("kept-version", now)])).map(
      ({ status }) => status,
    );
    expect(statuses).toEqual(["stale", "published"]);
    expect(await ids(stream)).toHaveLength(1);
  });

  it.each([
    ["an entry of another form", ["x", "y"]],
    ["an entry without a version", ["m", "{", "p", "0-0"]],
    ["a version that is no number", ["m", "{", "p", "0-0", "v", "new", "e", " "]],
    ["a version of 2^53-1", ["m", "{", "p", "0-0", "v", "9007199254740991", "e", " "]],
    ["a version an hour ahead", ["m", "{", "p", "0-0", "v", String(Date.now() + 3_600_000), "e", " "]],
    ["a counter without an epoch", ["m", "{", "p", "0-0", "v", "5000", "e", " "]],
  ])("that holds %s takes the next right price", async (name, fields) => {
    const key = `holds ${name}`;
    await redis.commands.xadd(streamKey({ channel: "market:prices", key }), "1-1", ...fields);
    const outcomes = await publisher.publish([price(key), price(key)]);
    expect(outcomes.map(({ status }) => status)).toEqual(["published", "published"]);
  });

  it("is inspected and reset: a price that was refused before is published then", async () => {
    const stream = { channel: "market:prices", key: "stuck" } as const;
    const now = Date.now();
    await publisher.publish([{ ...price("stuck"), version: 5_000, versionEpoch: "exchange" }, price("beside", now)]);
    await expect(publisher.publish([price("stuck")])).rejects.toThrow(/reset the stream/);
    const stale = { ...price("stuck"), version: 4_999, versionEpoch: "exchange" };
    await publisher.publish([stale, price("beside", now - 1)]);
    await redis.commands.set(edgeCursorKey(stream), "{}");

    const inspection = await inspectStream(redis.commands, stream);
    expect(inspection).toMatchObject({ entries: 1, isUnusable: false, heldVersion: 5_000, heldEpoch: "exchange" });
    expect(inspection.stale).toMatchObject([{ name: "stuck", isFrozen: false }]);

    expect(await resetStream(redis.commands, stream)).toBe(1);
    expect(await redis.commands.exists(streamKey(stream), edgeCursorKey(stream))).toBe(0);
    expect(await redis.commands.zrange(indexKey("market:prices"), "0", "-1")).not.toContain("stuck");
    expect(await inspectStream(redis.commands, stream)).toMatchObject({ entries: 0, stale: [] });
    // Other streams of the slot are left alone.
    expect(await inspectStream(redis.commands, { channel: "market:prices", key: "beside" })).toMatchObject({
      stale: [{ name: "beside" }],
    });
    expect((await publisher.publish([price("stuck")]))[0]?.status).toBe("published");
  });

  it("of a user is reset with its guards, and seen events stay seen", async () => {
    const stream = { channel: "user:orders", key: "reset" } as const;
    const [order, older] = [message("user:orders", "reset", 5), message("user:orders", "reset", 4)];
    const sameOrder = { ...older, data: { ...older.data, id: "n5" } } as ChannelMessage;
    await publisher.publish([order, sameOrder]);
    expect(await inspectStream(redis.commands, stream)).toMatchObject({ guarded: 1, stale: [{ name: "n5" }] });

    await resetStream(redis.commands, stream);

    expect(await redis.commands.exists(staleSinceKey(stream), frozenKey(stream))).toBe(0);
    const statuses = (await publisher.publish([order, sameOrder])).map(({ status }) => status);
    expect(statuses).toEqual(["duplicate", "published"]);
  });

  it("is refused without a key that it needs, and with one that it does not have", async () => {
    await expect(resetStream(redis.commands, { channel: "market:prices", key: undefined })).rejects.toThrow(
      /needs a marketId/,
    );
    await expect(inspectStream(redis.commands, { channel: "monitor:signals", key: "x" })).rejects.toThrow(/has no key/);
  });

  it("is inspected and reset by the command", async () => {
    await publisher.publish([price("by-command")]);
    const stream = ["market:prices", "--key", "by-command"];
    const call = (...values: string[]) =>
      vezta([...values, "--url", "https://deployed.test"], { environment: redis.environment });

    const lines = await call("inspect", "stream", ...stream);
    expect(lines.stdout).toMatch(
      /stream +market:prices by-command \(stream:\{market:prices\}:by-command\)\nentries +1/,
    );
    expect(lines.stdout).toMatch(/newest id +\d+-\d+, [\d.]+ s behind Redis's clock\nversion +\d+ \(20/);
    expect(JSON.parse((await call("inspect", "stream", ...stream, "--json")).stdout)).toMatchObject({ entries: 1 });
    expect((await call("reset", ...stream, "--yes")).stdout).toBe(
      "reset market:prices by-command: 1 entries deleted\n",
    );
    expect(JSON.parse((await call("reset", ...stream, "--yes", "--json")).stdout)).toMatchObject({ entries: 0 });
    expect((await call("inspect", "stream", "market:nothing")).code).toBe(2);
    expect((await call("inspect", "stream", "market:prices")).code).toBe(2);
    expect((await call("forget", ...stream)).code).toBe(2);
  });
});
