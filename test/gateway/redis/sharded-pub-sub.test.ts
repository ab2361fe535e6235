import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ShardedPubSub } from "../../../gateway/redis/sharded-pub-sub.ts";
import { redisKinds, startTestRedis, type TestRedis } from "../../support/redis.ts";

/** What ioredis is left with where it is disconnected while it makes a connection for subscriptions. */
interface Stuck {
  readonly shardedSubscribers: {
    isResetting: boolean;
    readonly shardedSubscribers: Map<string, unknown>;
    stop(): void;
  };
}

describe.each(redisKinds)("sharded Pub/Sub on %s", (kind) => {
  let redis: TestRedis;
  let pubSub: ShardedPubSub;
  const errors: Error[] = [];
  beforeAll(async () => {
    redis = await startTestRedis(kind);
    pubSub = new ShardedPubSub({ subscriber: redis.addSubscriber(), onError: (error) => errors.push(error) });
  });
  afterAll(() => redis.stop());

  const publish = (channel: string, body: string): Promise<unknown> => redis.commands.spublish(channel, body);

  it("gives a message to the handler of its channel, whatever another handler throws", async () => {
    const received: string[] = [];
    await pubSub.subscribe("{room}:failing", () => {
      throw new Error("deliberate");
    });
    await pubSub.subscribe("{room}:working", (body) => received.push(body.toString()));
    for (const body of ["1", "2"]) {
      await publish("{room}:failing", body);
      await publish("{room}:working", body);
    }
    await expect.poll(() => received).toEqual(["1", "2"]);
    expect(errors.splice(0)).toEqual([new Error("deliberate"), new Error("deliberate")]);
  });

  it("replaces the handler of a channel, and ends the subscription in Redis with `unsubscribe`", async () => {
    const received: string[] = [];
    await pubSub.subscribe("changing", () => received.push("first"));
    await pubSub.subscribe("changing", () => received.push("second"));
    expect(await publish("changing", "body")).toBe(1);
    await expect.poll(() => received).toEqual(["second"]);
    pubSub.unsubscribe("changing");
    await expect.poll(() => publish("changing", "body")).toBe(0);
    expect([received, errors]).toEqual([["second"], []]);
  });
});

it("gets messages again where ioredis waits for ever for a connection of a cluster's subscriptions", async () => {
  const redis = await startTestRedis("a three-node cluster");
  const subscriber = redis.addSubscriber();
  const received: string[] = [];
  try {
    const pubSub = new ShardedPubSub({ subscriber, onError: () => undefined, renewMs: 100 });
    await pubSub.subscribe("{old}:channel", (body) => received.push(body.toString()));
    const { shardedSubscribers: group } = subscriber as unknown as Stuck;
    group.stop();
    group.isResetting = true;
    expect(group.shardedSubscribers.size).toBe(0);

    await expect(pubSub.subscribe("{new}:channel", () => undefined)).rejects.toThrow(/No sharded subscriber/);
    await expect
      .poll(() =>
        pubSub
          .subscribe("{new}:channel", (body) => received.push(body.toString()))
          .then(
            () => "subscribed",
            (error: Error) => error.message,
          ),
      )
      .toBe("subscribed");
    await redis.commands.spublish("{new}:channel", "new");
    await expect
      .poll(async () => {
        await redis.commands.spublish("{old}:channel", "again");
        return received;
      })
      .toEqual(expect.arrayContaining(["new", "again"]));
  } finally {
    await redis.stop();
  }
});
