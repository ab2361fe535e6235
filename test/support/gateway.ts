import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../local/free-port.ts";

const ENTRY = join(import.meta.dirname, "../../gateway/main.ts");
const START_TIMEOUT_MS = 20_000;

/** A gateway that runs as its own process, as in production. */
export interface GatewayProcess {
  readonly url: string;
  readonly process: ChildProcess;
  /** What the process has logged so far. */
  readonly log: () => string;
  /** The sum of a metric over the label sets that contain all of `labels` (such as `reason="malformed"`). */
  metric(name: string, ...labels: string[]): Promise<number>;
  /** Sends the signal and resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

async function untilReady(url: string, child: ChildProcess, log: () => string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && child.exitCode === null) {
    const isReady = await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    await delay(20);
  }
  child.kill("SIGKILL");
  throw new Error(`the gateway did not become ready:\n${log()}`);
}

/** Starts gateway/main.ts with the environment and resolves once it is ready. */
export async function startGateway(environment: Readonly<Record<string, string>>): Promise<GatewayProcess> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [ENTRY], {
    env: {
      PATH: process.env.PATH,
      RT_DRAIN_SECONDS: "0",
      RT_HEARTBEAT_MS: "500",
      ...environment,
      RT_PORT: String(port),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk;
    });
  }
  child.on("exit", () => running.delete(child));
  await untilReady(url, child, () => output);
  return {
    url,
    process: child,
    log: () => output,
    async metric(name, ...labels) {
      const text = await (await fetch(`${url}/metrics`)).text();
      const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
      const chosen = lines.filter((line) => labels.every((label) => line.includes(label)));
      return chosen.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    },
    async stop(signal = "SIGTERM") {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, "exit");
        child.kill(signal);
        await exited;
      }
      return child.exitCode;
    },
  };
}
