import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { endProcess, onLines, startNode } from "./child-process.ts";
import type { LambdaAnswer, LambdaError } from "./lambda-host.ts";

const HOST = join(import.meta.dirname, "lambda-host.ts");

interface LambdaProcessOptions {
  /** Variables of the functions' environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Called with each line that a function logs. */
  readonly onLog: (line: string) => void;
}

/** One invocation under way. */
interface Waiting {
  readonly host: ChildProcess;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Runs handler files in a process of their own. One process for all: each keeps its connections, as an execution
 * environment does, and all start in the time of one. It is started again where it ends.
 */
export class LambdaProcess {
  readonly #options: LambdaProcessOptions;
  readonly #waiting = new Map<number, Waiting>();
  #host: ChildProcess;
  #invocations = 0;
  #stopped = false;

  constructor(options: LambdaProcessOptions) {
    this.#options = options;
    this.#host = this.#start();
  }

  /** Calls the handler of a file, once. Rejects with what the handler threw, by name and message. */
  invoke(file: string, event: unknown): Promise<unknown> {
    this.#invocations += 1;
    const id = this.#invocations;
    const host = this.#host;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { host, resolve, reject });
      host.send({ id, file, event }, (error) => {
        if (error) this.#settle({ id, error });
      });
    });
  }

  /** Ends the process with SIGKILL, in the midst of whatever the functions do; another one takes its place. */
  kill(): void {
    const host = this.#host;
    this.#host = this.#start();
    host.kill("SIGKILL");
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
      const error: LambdaError = { name: "Runtime.ExitError", message: "the function's process ended" };
      for (const [id, waiting] of this.#waiting) if (waiting.host === host) this.#settle({ id, error });
      if (!this.#stopped && this.#host === host) this.#host = this.#start();
    });
    return host;
  }

  #settle(answer: LambdaAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("error" in answer) {
      const { name, message } = answer.error;
      waiting?.reject(Object.assign(new Error(message), { name }));
    } else waiting?.resolve(answer.result);
  }
}
