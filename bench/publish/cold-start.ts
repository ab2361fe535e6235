import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pTimeout from "p-timeout";
import * as z from "zod";
import { functionVariables } from "../../infra/constructs/support/environment.ts";
import { accessStrings } from "../../infra/constructs/support/redis-users.ts";
import { endProcess, onLines, startNode } from "../../local/child-process.ts";
import { startSecretsManager } from "../../tools/infra-report/secrets-manager.ts";
import { median } from "../fan-out/statistics.ts";
import { bundleFunction } from "./function-bundle.ts";
import type { FunctionTimes } from "./function-host.ts";
import { type SampledStart, type StartSample, stagesOf } from "./start-row.ts";
import type { Target } from "./target.ts";

const USER = "publisher";
const SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:publisher";
const PASSWORD = "a-password-of-this-run";

/** Invocations after the first, in the same process. */
const WARM_INVOCATIONS = 50;

const PATIENCE_MS = 30_000;

const entrySchema = z.object({ Source: z.string(), DetailType: z.string(), Detail: z.record(z.string(), z.unknown()) });
const EXAMPLE = entrySchema.parse(
  JSON.parse(readFileSync(join(import.meta.dirname, "../../contract/examples/order-changed.json"), "utf8")),
);

const orderEvent = (id: string) => ({
  ...{ id, source: EXAMPLE.Source, "detail-type": EXAMPLE.DetailType },
  detail: { ...EXAMPLE.Detail, eventId: id },
});

/** When the publish script reached Redis for the first time, and when it told of the message; in ms since 1970. */
interface Arrival {
  readonly scriptAt: number;
  readonly publishedAt: number;
}

/** Watches every node by MONITOR, so that nothing of the function has to be changed. */
async function watch({ nodes }: Target): Promise<{ first: () => Promise<Arrival>; end(): void }> {
  const monitors = await Promise.all(nodes.map((node) => node.monitor()));
  const first = new Promise<Arrival>((resolve) => {
    let scriptAt: number | undefined;
    for (const monitor of monitors) {
      monitor.on("monitor", (time: string, [command = ""]: string[]) => {
        const at = Number(time) * 1_000;
        if (/^eval/i.test(command)) scriptAt ??= at;
        if (/^spublish$/i.test(command) && scriptAt !== undefined) resolve({ scriptAt, publishedAt: at });
      });
    }
  });
  return {
    first: () => pTimeout(first, { milliseconds: PATIENCE_MS, message: "the function published nothing" }),
    end: () => {
      for (const monitor of monitors) monitor.disconnect();
    },
  };
}

/** Starts the function in a process of its own, invokes it, and ends it. */
async function startOnce(host: string, { target, environment }: Case, run: string): Promise<StartSample> {
  const watcher = await watch(target);
  const output: string[] = [];
  const spawnedAt = performance.timeOrigin + performance.now();
  const child = startNode({ entry: host, environment, hasChannel: true });
  onLines(child, (line) => output.push(line));
  try {
    const answer = once(child, "message");
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`the function's process ended with ${code}:\n${output.join("\n")}`);
    });
    ended.catch(() => undefined);
    child.send(Array.from({ length: 1 + WARM_INVOCATIONS }, (_, index) => orderEvent(`${run}-${index}`)));
    const [times]: FunctionTimes[] = await Promise.race([answer, ended]);
    if (!times) throw new Error("the function's process gave no answer");
    const [first, ...warm] = times.invocations;
    return {
      ...stagesOf({ spawnedAt, ...times, calledAt: first?.from ?? Number.NaN, ...(await watcher.first()) }),
      warm: median(warm.map(({ from, to }) => to - from)),
    };
  } finally {
    watcher.end();
    await endProcess(child);
  }
}

interface Case {
  readonly name: string;
  readonly target: Target;
  readonly environment: Readonly<Record<string, string>>;
}

export interface ColdStartOptions {
  readonly runs: number;
  readonly single: Target;
  readonly cluster: Target;
  readonly onProgress: (text: string) => void;
}

/** Measures a publisher's first invocation in a fresh process, and later ones in the same, run after run. */
export async function measureStarts(options: ColdStartOptions): Promise<readonly SampledStart[]> {
  const { runs, single, cluster, onProgress } = options;
  const secrets = await startSecretsManager({ [SECRET]: PASSWORD });
  const bundle = await bundleFunction();
  const withSecret = { RT_REDIS_USERNAME: USER, RT_REDIS_SECRET_ARN: SECRET, ...secrets.environment };
  const cases: readonly Case[] = [
    { name: "one Redis, no password", target: single, environment: {} },
    { name: "one Redis, password from its secret", target: single, environment: withSecret },
    { name: `${cluster.name}, password from its secret`, target: cluster, environment: withSecret },
  ].map((each) => ({
    ...each,
    environment: { ...functionVariables("orders"), ...each.target.environment, ...each.environment },
  }));
  try {
    for (const node of [single, cluster].flatMap(({ nodes }) => nodes)) {
      await node.call("ACL", "SETUSER", USER, `>${PASSWORD}`, ...accessStrings.publisher.split(" "));
    }
    const samples = cases.map((): StartSample[] => []);
    // The first run fills the caches of the file system and is not counted.
    for (let run = 0; run <= runs; run += 1) {
      for (const [index, each] of cases.entries()) {
        onProgress(`${run === 0 ? "warm-up" : `run ${run} of ${runs}`}: start of a publisher, ${each.name}`);
        const sample = await startOnce(bundle.host, each, `start-${run}-${index}`);
        if (run > 0) samples[index]?.push(sample);
      }
    }
    return cases.map(({ name }, index) => ({ name, samples: samples[index] ?? [] }));
  } finally {
    secrets.stop();
    await bundle.remove();
  }
}
