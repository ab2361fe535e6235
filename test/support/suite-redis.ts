import { afterAll, beforeAll } from "vitest";
import type { Publisher } from "../../kernel/streams/publisher.ts";
import { type RedisKind, startTestRedis, type TestRedis } from "./redis.ts";

/** A Redis, and one publisher on it, for the tests of a suite. */
export interface SuiteRedis {
  readonly redis: TestRedis;
  readonly publisher: Publisher;
}

/** Starts a Redis before the tests of the suite that this is called in, and stops it after them. */
export function useTestRedis(kind: RedisKind): SuiteRedis {
  let started: SuiteRedis | undefined;
  const whenStarted = (): SuiteRedis => {
    if (!started) throw new Error("Redis is started before the tests: use it within one");
    return started;
  };
  beforeAll(async () => {
    const redis = await startTestRedis(kind);
    started = { redis, publisher: redis.addPublisher() };
  });
  afterAll(() => started?.redis.stop());
  return {
    get redis() {
      return whenStarted().redis;
    },
    get publisher() {
      return whenStarted().publisher;
    },
  };
}
