import { afterAll, beforeAll } from "vitest";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { type InProcessGateway, type InProcessOptions, startInProcess } from "./in-process.ts";

/** A Redis, and a gateway on it in the process of the test. */
export interface SuiteGateway {
  readonly redis: TestRedis;
  readonly gateway: InProcessGateway;
}

/** Starts a Redis and a gateway before the tests of the suite that this is called in, and stops both after them. */
export function setUpInProcess(options: InProcessOptions = {}): SuiteGateway {
  let started: SuiteGateway | undefined;
  const whenStarted = (): SuiteGateway => {
    if (!started) throw new Error("the gateway is started before the tests: use it within one");
    return started;
  };
  beforeAll(async () => {
    const redis = await startTestRedis("a single Redis");
    started = { redis, gateway: await startInProcess(redis, options) };
  });
  afterAll(async () => {
    await started?.gateway.stop();
    await started?.redis.stop();
  });
  return {
    get redis() {
      return whenStarted().redis;
    },
    get gateway() {
      return whenStarted().gateway;
    },
  };
}
