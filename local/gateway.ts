import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { endProcess, hasEnded, onLines, startNode } from "./child-process.ts";
import { freePort } from "./free-port.ts";

const ENTRY = join(import.meta.dirname, "../gateway/main.ts");
const START_TIMEOUT_MS = 60_000;

/** Longest wait for one answer: until the gateway listens, its port may be somebody else's, who never answers. */
const ANSWER_TIMEOUT_MS = 2_000;

/** A gateway that runs as its own process, as in production. */
export interface GatewayProcess {
  readonly url: string;
  /** The address of its metrics, as Prometheus text. */
  readonly metricsUrl: string;
  readonly process: ChildProcess;
  /** Returns the log of the process so far. */
  readonly log: () => string;
  /** The sum of a metric over the label sets that contain all of `labels` (such as `reason="malformed"`). */
  metric(name: string, ...labels: string[]): Promise<number>;
  /** Sends the signal and resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

async function untilReady(url: string, child: ChildProcess, log: () => string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && !hasEnded(child)) {
    const isReady = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    await delay(20);
  }
  child.kill("SIGKILL");
  throw new Error(`the gateway did not become ready:\n${log()}`);
}

/** Starts gateway/main.ts on a free port and resolves at once; it drains at once and beats twice a second by default. */
export async function launchGateway(environment: Readonly<Record<string, string>>): Promise<GatewayProcess> {
  const port = await freePort();
  const metricsPort = await freePort();
  const metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
  const url = `http://127.0.0.1:${port}`;
  const child = startNode({
    entry: ENTRY,
    environment: {
      RT_DRAIN_SECONDS: "0",
      RT_HEARTBEAT_MS: "500",
      ...environment,
      RT_PORT: String(port),
      RT_METRICS_PORT: String(metricsPort),
    },
  });
  let log = "";
  onLines(child, (line) => {
    log += `${line}\n`;
  });
  return {
    url,
    metricsUrl,
    process: child,
    log: () => log,
    async metric(name, ...labels) {
      const text = await (await fetch(metricsUrl)).text();
      const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
      const chosen = lines.filter((line) => labels.every((label) => line.includes(label)));
      return chosen.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    },
    stop: (signal) => endProcess(child, signal),
  };
}

/**
 * As `launchGateway`, and resolves once the gateway is ready.
 *
 * @throws Error with the gateway's own log.
 */
export async function startGateway(environment: Readonly<Record<string, string>>): Promise<GatewayProcess> {
  const gateway = await launchGateway(environment);
  await untilReady(gateway.url, gateway.process, gateway.log);
  return gateway;
}
