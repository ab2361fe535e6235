import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../local/free-port.ts";
import { type Balancer, openBalancer } from "./balancer.ts";
import { until } from "./until.ts";

const ENTRY = join(import.meta.dirname, "../gateway/main.ts");
const START_TIMEOUT_MS = 300_000;
const END_TIMEOUT_MS = 120_000;
const SCRAPE_PAUSE_MS = 100;

/** Longest wait for one answer of a gateway, in ms: one that hangs must not hang the drill. */
const ANSWER_TIMEOUT_MS = 5_000;
const KEPT_LOG_CHARACTERS = 20_000;

/** Settings of the drill's gateways besides Redis and the issuer: all that is slow in production is quick here. */
const DRILL_ENVIRONMENT = { RT_DRAIN_SECONDS: "2", RT_HEARTBEAT_MS: "1000", RT_LOG_LEVEL: "warn" };

/** Holes that gateways found in their streams, and those of them that Redis could fill. */
export interface HoleCount {
  readonly found: number;
  readonly filled: number;
}

interface Gateway {
  readonly port: number;
  readonly metricsPort: number;
  process: ChildProcess | undefined;
  /** Current counts of the process, as of the last poll. */
  current: HoleCount;
}

const NONE: HoleCount = { found: 0, filled: 0 };

const add = (a: HoleCount, b: HoleCount): HoleCount => ({ found: a.found + b.found, filled: a.filled + b.filled });

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Gateways as processes of their own, behind one balancer. */
export class GatewayFleet {
  readonly #environment: Readonly<Record<string, string>>;
  readonly #balancer: Balancer;
  readonly #gateways: Gateway[] = [];
  /** Counts of the processes that have ended. */
  #past = NONE;
  #log = "";

  private constructor(environment: Readonly<Record<string, string>>, balancer: Balancer) {
    this.#environment = environment;
    this.#balancer = balancer;
  }

  /** Resolves once every gateway is ready. */
  static async start(size: number, environment: Readonly<Record<string, string>>): Promise<GatewayFleet> {
    const fleet = new GatewayFleet(environment, await openBalancer());
    for (let index = 0; index < size; index += 1) {
      fleet.#gateways.push({
        port: await freePort(),
        metricsPort: await freePort(),
        process: undefined,
        current: NONE,
      });
    }
    await Promise.all(fleet.#gateways.map((_, index) => fleet.restart(index)));
    return fleet;
  }

  /** The port of the balancer. */
  get port(): number {
    return this.#balancer.port;
  }

  /** The end of what the gateways logged, for a report of what went wrong. */
  get log(): string {
    return this.#log;
  }

  /** Counts over the whole life of the fleet. */
  async holes(): Promise<HoleCount> {
    await Promise.all(this.#gateways.map((gateway) => scrape(gateway)));
    return this.#gateways.map(({ current }) => current).reduce(add, this.#past);
  }

  /** Ends a gateway with a signal; the balancer sends nobody there any more, as it does not to an unhealthy target. */
  async end(index: number, signal: NodeJS.Signals): Promise<void> {
    const gateway = this.#at(index);
    const child = gateway.process;
    if (!child) return;
    await scrape(gateway);
    this.#balancer.removeTarget(gateway.port);
    child.kill(signal);
    await until(`the end of a gateway after ${signal}`, END_TIMEOUT_MS, async () => {
      await Promise.race([scrape(gateway), delay(SCRAPE_PAUSE_MS)]);
      return child.exitCode !== null || child.signalCode !== null;
    });
    gateway.process = undefined;
    this.#past = add(this.#past, gateway.current);
    gateway.current = NONE;
  }

  /** Pauses a gateway for the given ms, like a process that gets no CPU; its connections stay. */
  async freeze(index: number, milliseconds: number): Promise<void> {
    const child = this.#at(index).process;
    child?.kill("SIGSTOP");
    try {
      await delay(milliseconds);
    } finally {
      child?.kill("SIGCONT");
    }
  }

  /** Starts the gateway that has ended, on its old port, and resolves once the balancer sends clients to it. */
  async restart(index: number): Promise<void> {
    const gateway = this.#at(index);
    const child = spawn(process.execPath, [ENTRY], {
      env: {
        ...DRILL_ENVIRONMENT,
        ...this.#environment,
        RT_PORT: String(gateway.port),
        RT_METRICS_PORT: String(gateway.metricsPort),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(child);
    child.on("exit", () => running.delete(child));
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        this.#log = (this.#log + chunk).slice(-KEPT_LOG_CHARACTERS);
      });
    }
    gateway.process = child;
    await until(`a gateway on port ${gateway.port} ready`, START_TIMEOUT_MS, () => {
      if (child.exitCode !== null) throw new Error(`a gateway ended while it started:\n${this.#log}`);
      return isReady(gateway.port);
    });
    this.#balancer.addTarget(gateway.port);
  }

  async stop(): Promise<void> {
    const children = this.#gateways.flatMap(({ process: child }) => (child ? [child] : []));
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    }
    await this.#balancer.close();
  }

  #at(index: number): Gateway {
    const gateway = this.#gateways[index];
    if (!gateway) throw new Error(`there is no gateway ${index}`);
    return gateway;
  }
}

const ask = (port: number, path: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });

const isReady = (port: number): Promise<boolean> =>
  ask(port, "/readyz").then(
    ({ ok }) => ok,
    () => false,
  );

/** Looks at a gateway's metrics; one that does not answer keeps what it had. */
async function scrape(gateway: Gateway): Promise<void> {
  if (!gateway.process) return;
  try {
    const text = await (await ask(gateway.metricsPort, "/metrics")).text();
    const samples = [...text.matchAll(/^rt_holes_total\{[^}]*result="(\w+)"[^}]*\} (\d+)$/gm)];
    const sum = (results: typeof samples): number => results.reduce((total, [, , count]) => total + Number(count), 0);
    gateway.current = { found: sum(samples), filled: sum(samples.filter(([, result]) => result === "filled")) };
  } catch {
    // It is being killed, which is what the drill is for.
  }
}
