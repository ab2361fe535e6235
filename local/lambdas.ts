import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Domain } from "../contract/domain-events.ts";
import { endProcess, onLines, startNode } from "./child-process.ts";
import type { LambdaAnswer } from "./lambda-host.ts";

const HOST = join(import.meta.dirname, "lambda-host.ts");

/** Lambda tries an asynchronous invocation three times; it waits minutes in between, we do not. */
const RETRY_DELAYS_MS = [500, 2_000];

/** Failures kept, newest last. */
const MAXIMUM_FAILURES = 100;

const handlerFile = (domain: Domain): string => join(import.meta.dirname, `../lambdas/publishers/${domain}.handler.ts`);

/** What a function's failure destination gets. */
export interface LambdaFailure {
  readonly domain: Domain;
  readonly error: string;
  readonly event: unknown;
  readonly attempts: number;
}

interface LambdasOptions {
  /** What the functions' environment has. */
  readonly environment: Readonly<Record<string, string>>;
  readonly onFailure: (failure: LambdaFailure) => void;
  /** Hears of every line that a function logs. */
  readonly onLog: (line: string) => void;
}

/**
 * Runs the publisher Lambdas' own handler files in a process of their own. One process for all: each keeps its
 * connection to Redis, as an execution environment does, and all six start in the time of one.
 */
export class Lambdas {
  readonly #options: LambdasOptions;
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  readonly failures: LambdaFailure[] = [];
  #host: ChildProcess;
  #invocations = 0;
  #stopped = false;

  constructor(options: LambdasOptions) {
    this.#options = options;
    this.#host = this.#start();
  }

  /** Calls the handler of a domain, once. Rejects with what the handler threw. */
  invoke(domain: Domain, event: unknown): Promise<unknown> {
    this.#invocations += 1;
    const id = this.#invocations;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#host.send({ id, file: handlerFile(domain), event }, (error) => {
        if (error) this.#settle({ id, error: error.message });
      });
    });
  }

  /** As Lambda does for EventBridge: tries again where the handler throws, and at last keeps the event as a failure. */
  async invokeAsynchronously(domain: Domain, event: unknown): Promise<void> {
    let error = "";
    for (const wait of [0, ...RETRY_DELAYS_MS]) {
      await delay(wait);
      try {
        await this.invoke(domain, event);
        return;
      } catch (cause) {
        error = cause instanceof Error ? cause.message : String(cause);
      }
      if (this.#stopped) return;
    }
    const failure = { domain, error, event, attempts: RETRY_DELAYS_MS.length + 1 };
    this.failures.push(failure);
    if (this.failures.length > MAXIMUM_FAILURES) this.failures.shift();
    this.#options.onFailure(failure);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await endProcess(this.#host);
  }

  #start(): ChildProcess {
    const host = startNode({ entry: HOST, environment: this.#options.environment, hasChannel: true });
    onLines(host, this.#options.onLog);
    host.on("message", (answer: LambdaAnswer) => this.#settle(answer));
    host.once("exit", () => {
      for (const id of this.#waiting.keys()) this.#settle({ id, error: "the function's process ended" });
      if (!this.#stopped) this.#host = this.#start();
    });
    return host;
  }

  #settle(answer: LambdaAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("error" in answer) waiting?.reject(new Error(answer.error));
    else waiting?.resolve(answer.result);
  }
}
