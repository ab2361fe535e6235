import type { Redis } from "ioredis";
import type { Publisher } from "../../contract/server/publisher.ts";
import { trade } from "../path/setup.ts";

/** Calls that are under way at once, in every method: what a Lambda with a batch has. */
const CONCURRENCY = 100;
const MARKETS = 50;

type Method = (number: number) => Promise<unknown>;

const market = (number: number): string => `bench-${number % MARKETS}`;

function methods(
  redis: Redis,
  publisher: Publisher,
  run: number,
): ReadonlyMap<string, { method: Method; step: number }> {
  const body = (number: number): string => JSON.stringify(trade(market(number), `${run}-${number}`).data);
  const id = (name: string, number: number): string => `${name}-${run}-${number}`;
  return new Map([
    ["PUBLISH", { step: 1, method: (number) => redis.publish(market(number), body(number)) }],
    ["SPUBLISH", { step: 1, method: (number) => redis.spublish(market(number), body(number)) }],
    [
      "XADD + PUBLISH",
      {
        step: 1,
        method: (number) =>
          redis
            .pipeline()
            .xadd(`x:${market(number)}`, "MAXLEN", 300, "*", "m", body(number))
            .publish(market(number), body(number))
            .exec(),
      },
    ],
    [
      "publish(), one message a call",
      { step: 1, method: (number) => publisher.publish([trade(market(number), id("single", number))]) },
    ],
    [
      "publish(), 100 messages of 50 markets a call",
      {
        step: 100,
        method: (number) =>
          publisher.publish(
            Array.from({ length: 100 }, (_, index) => trade(market(number + index), id("mixed", number + index))),
          ),
      },
    ],
    [
      "publish(), 100 messages of one market a call",
      {
        step: 100,
        method: (number) =>
          publisher.publish(
            Array.from({ length: 100 }, (_, index) => trade(market(number / 100), id("same", number + index))),
          ),
      },
    ],
  ]);
}

/** Seconds of CPU that the server has used. */
async function serverCpu(redis: Redis): Promise<number> {
  const info = await redis.info("cpu");
  const read = (name: string): number => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1] ?? 0);
  return read("used_cpu_user") + read("used_cpu_sys");
}

async function time(redis: Redis, messages: number, { method, step }: { method: Method; step: number }) {
  const cpu = await serverCpu(redis);
  const start = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < messages) {
      const number = next;
      next += step;
      await method(number);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, CONCURRENCY / step) }, worker));
  const seconds = (performance.now() - start) / 1_000;
  return { perSecond: messages / seconds, cpuMicros: (((await serverCpu(redis)) - cpu) * 1e6) / messages };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** Runs every method in turn, several times, and compares each with plain PUBLISH of the same run. */
export async function measureMethods(
  redis: Redis,
  publisher: Publisher,
  { messages, runs }: { readonly messages: number; readonly runs: number },
) {
  const samples = new Map<string, { perSecond: number; cpuMicros: number }[]>();
  // The first run warms up and is not counted.
  for (let run = 0; run <= runs; run += 1) {
    for (const [name, entry] of methods(redis, publisher, run)) {
      const sample = await time(redis, messages, entry);
      if (run > 0) samples.set(name, [...(samples.get(name) ?? []), sample]);
    }
  }
  const plain = samples.get("PUBLISH") ?? [];
  return [...samples].map(([method, own]) => ({
    method,
    messagesPerSecond: Math.round(median(own.map(({ perSecond }) => perSecond))),
    redisCpuMicros: Number(median(own.map(({ cpuMicros }) => cpuMicros)).toFixed(1)),
    timesTheCpuOfPublish: Number(
      median(own.map(({ cpuMicros }, index) => cpuMicros / (plain[index]?.cpuMicros ?? 1))).toFixed(2),
    ),
    runs: own.length,
  }));
}
