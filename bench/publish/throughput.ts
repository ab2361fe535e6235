import { type Method, methodsOf } from "./methods.ts";
import type { Sample, SampledMethod } from "./row.ts";
import { cpuMicros, type Target } from "./target.ts";

/** Messages that are under way at once, in every method: two batches, or as many single calls. */
const UNDER_WAY = 200;

export interface ThroughputOptions {
  /** Runs of every method on every target, beside the first, which warms up. */
  readonly runs: number;
  /** Duration of each of them, in ms. */
  readonly sampleMs: number;
  readonly onProgress: (text: string) => void;
  /** Returns true for the name of a method that is measured. @default - all of them */
  readonly isWanted?: (name: string) => boolean;
}

type NextNumber = (step: number) => number;

async function sample(target: Target, method: Method, take: NextNumber, milliseconds: number): Promise<Sample> {
  const before = await cpuMicros(target);
  const own = process.cpuUsage();
  const start = performance.now();
  let messages = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() - start < milliseconds) {
      await method.send(take(method.step));
      messages += method.step;
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY / method.step }, worker));
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(own);
  const after = await cpuMicros(target);
  return {
    messages,
    seconds,
    publisherCpuMicros: user + system,
    nodeCpuMicros: after.map((micros, node) => micros - (before[node] ?? 0)),
  };
}

/** Measures every method on every target in turn, run after run, so that what disturbs hits all alike. */
export async function measureThroughput(
  targets: readonly Target[],
  { runs, sampleMs, onProgress, isWanted = () => true }: ThroughputOptions,
): Promise<readonly SampledMethod[]> {
  const measured = targets.flatMap((target) =>
    methodsOf(target)
      .filter(({ name }) => isWanted(name))
      .map((method) => ({ target, method })),
  );
  const samples = measured.map((): Sample[] => []);
  let number = 0;
  const take: NextNumber = (step) => {
    const first = number;
    number += step;
    return first;
  };
  for (let run = 0; run <= runs; run += 1) {
    for (const [index, { target, method }] of measured.entries()) {
      onProgress(`${run === 0 ? "warm-up" : `run ${run} of ${runs}`}: ${target.name}, ${method.name}`);
      const result = await sample(target, method, take, sampleMs);
      if (run > 0) samples[index]?.push(result);
    }
  }
  return measured.map(({ target, method }, index) => ({
    redis: target.name,
    method: method.name,
    samples: samples[index] ?? [],
  }));
}
