import { describe, expect, it } from "vitest";
import { compareIds } from "../../contract/ids.ts";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import { message } from "../support/messages.ts";
import { redisKinds } from "../support/redis.ts";
import { useTestRedis } from "../support/suite-redis.ts";

describe.each(redisKinds)("ids while the clock is behind the stream, on %s", (kind) => {
  const suite = useTestRedis(kind);

  const channel = "user:notifications";
  const stream = { channel, key: "alice" } as const;

  /** Publishes one message to a stream whose newest entry is a minute ahead, as on a promoted replica. */
  async function publishAfter(topId: string, number: number): Promise<string> {
    await suite.redis.commands.del(streamKey(stream));
    await suite.redis.commands.xadd(streamKey(stream), topId, "m", "{}", "p", "0-0");
    const [outcome] = await suite.publisher.publish([message(channel, "alice", number)]);
    if (outcome?.status !== "published") throw new Error(`not published: ${outcome?.status}`);
    return outcome.id;
  }

  it("increase, and none is used twice after a failover that lost entries", async () => {
    const topId = `${Date.now() + 60_000}-7`;
    const lost = await publishAfter(topId, 1);
    const next = await publishAfter(topId, 2);
    expect(compareIds(lost, topId)).toBeGreaterThan(0);
    expect(compareIds(next, topId)).toBeGreaterThan(0);
    expect(next).not.toBe(lost);
  });

  it("increase within one call as well", async () => {
    await suite.redis.commands.del(streamKey(stream));
    await suite.redis.commands.xadd(streamKey(stream), `${Date.now() + 60_000}-7`, "m", "{}", "p", "0-0");
    const outcomes = await suite.publisher.publish([3, 4, 5].map((number) => message(channel, "alice", number)));
    const ids = outcomes.map((outcome) => (outcome.status === "published" ? outcome.id : outcome.status));
    expect(ids.toSorted(compareIds)).toEqual(ids);
    expect(new Set(ids).size).toBe(3);
  });
});
