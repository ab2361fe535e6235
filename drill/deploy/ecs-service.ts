import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pTimeout from "p-timeout";
import { endProcess, hasEnded, onLines, startNode } from "../../local/child-process.ts";
import { freePort } from "../../local/free-port.ts";
import type { LoadBalancer } from "./load-balancer.ts";

const ENTRY = join(import.meta.dirname, "../../gateway/main.ts");
const POLL_MS = 50;

/** Longest that the first tasks may take, in ms: a busy machine starts several processes at once. */
const START_TIMEOUT_MS = 120_000;

/** Failed tasks after which a deployment fails: AWS's least, for up to six tasks. */
const CIRCUIT_BREAKER_THRESHOLD = 3;

type Environment = Readonly<Record<string, string>>;

/** One step of the service, in the order in which they happened. */
export interface ServiceEvent {
  readonly what:
    | "started"
    | "healthy"
    | "failed"
    | "deregistering"
    | "deregistered"
    | "SIGTERM"
    | "stopped"
    | "SIGKILL";
  readonly task: string;
  /** In ms since 1970. */
  readonly at: number;
  /** Connections that were cut, of `deregistered`. */
  readonly cut?: number;
}

interface Task {
  readonly name: string;
  readonly port: number;
  readonly process: ChildProcess;
  readonly log: () => string;
}

export interface EcsServiceOptions {
  readonly balancer: LoadBalancer;
  /** Time for which failed health checks of a new task do not count, in ms. */
  readonly gracePeriodMs: number;
  /** Time between SIGTERM and SIGKILL, in ms. */
  readonly stopTimeoutMs: number;
  readonly onEvent?: (event: ServiceEvent) => void;
}

/** The result of a deployment. */
export interface Deployment {
  readonly isCompleted: boolean;
  /** The logs of the tasks that failed. */
  readonly failures: readonly string[];
}

/**
 * Keeps gateways running as an ECS service with rolling updates does, one task at a time: it starts a new one, waits until
 * the load balancer finds it healthy, deregisters an old one, waits for the whole deregistration, sends SIGTERM and after
 * the stop timeout SIGKILL. After three tasks that failed it gives up: the circuit breaker.
 */
export class EcsService {
  readonly events: ServiceEvent[] = [];
  readonly #options: EcsServiceOptions;
  #tasks: readonly Task[] = [];
  readonly #logs = new Map<string, () => string>();
  #started = 0;

  constructor(options: EcsServiceOptions) {
    this.#options = options;
  }

  get tasks(): readonly Pick<Task, "name" | "port">[] {
    return this.#tasks;
  }

  /** The logs of all tasks so far, by their names. */
  get logs(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#logs].map(([name, log]) => [name, log()]));
  }

  /** Starts the first tasks. */
  async create(count: number, environment: Environment): Promise<void> {
    const tasks = await Promise.all(Array.from({ length: count }, () => this.#start(environment)));
    for (const task of tasks) {
      if (!(await this.#becomesHealthy(task, START_TIMEOUT_MS)))
        throw new Error(`the first gateways do not start:\n${task.log()}`);
      this.#tasks = [...this.#tasks, task];
    }
  }

  /** Replaces every task, one after the other. */
  async deploy(environment: Environment): Promise<Deployment> {
    const failures: string[] = [];
    for (const old of [...this.#tasks]) {
      const next = await this.#startHealthy(environment, failures);
      if (!next) return { isCompleted: false, failures };
      this.#tasks = [...this.#tasks, next];
      await this.#retire(old);
    }
    return { isCompleted: true, failures };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#tasks.map(({ process: child }) => endProcess(child, "SIGKILL")));
  }

  async #startHealthy(environment: Environment, failures: string[]): Promise<Task | undefined> {
    while (failures.length < CIRCUIT_BREAKER_THRESHOLD) {
      const task = await this.#start(environment);
      if (await this.#becomesHealthy(task)) return task;
      this.#note("failed", task);
      failures.push(task.log());
      await this.#options.balancer.deregister(task.port);
      await endProcess(task.process, "SIGKILL");
    }
    return undefined;
  }

  async #start(environment: Environment): Promise<Task> {
    const port = await freePort();
    this.#started += 1;
    const child = startNode({ entry: ENTRY, environment: { ...environment, RT_PORT: String(port) } });
    let log = "";
    onLines(child, (line) => {
      log += `${line}\n`;
    });
    const task = { name: `task-${this.#started}`, port, process: child, log: () => log };
    this.#logs.set(task.name, task.log);
    this.#note("started", task);
    this.#options.balancer.register(port);
    return task;
  }

  /** Resolves with false once the task has ended, or is unhealthy after the grace period. */
  async #becomesHealthy(task: Task, graceMs: number = this.#options.gracePeriodMs): Promise<boolean> {
    const { balancer } = this.#options;
    const graceEnd = Date.now() + graceMs;
    while (!hasEnded(task.process)) {
      const state = balancer.stateOf(task.port);
      if (state === "healthy") {
        this.#note("healthy", task);
        return true;
      }
      if (state === "unhealthy" && Date.now() > graceEnd) return false;
      await delay(POLL_MS);
    }
    return false;
  }

  async #retire(task: Task): Promise<void> {
    const { balancer, stopTimeoutMs } = this.#options;
    this.#note("deregistering", task);
    const cut = await balancer.deregister(task.port);
    this.#note("deregistered", task, cut);
    this.#note("SIGTERM", task);
    const ended = endProcess(task.process, "SIGTERM", 2 * stopTimeoutMs);
    const isKilled = await pTimeout(
      ended.then(() => false),
      { milliseconds: stopTimeoutMs, fallback: () => true },
    );
    if (isKilled) await endProcess(task.process, "SIGKILL");
    this.#note(isKilled ? "SIGKILL" : "stopped", task);
    this.#tasks = this.#tasks.filter((each) => each !== task);
  }

  #note(what: ServiceEvent["what"], { name }: Task, cut?: number): void {
    const event = { what, task: name, at: Date.now(), ...(cut === undefined ? {} : { cut }) };
    this.events.push(event);
    this.#options.onEvent?.(event);
  }
}
