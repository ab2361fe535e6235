import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { endProcess, onLines, startNode } from "../local/child-process.ts";
import type { LambdaAnswer } from "../local/lambda-host.ts";

const HOST = join(import.meta.dirname, "../local/lambda-host.ts");

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Handler files in a process of their own that a fault can kill. Another process takes its place. */
export class EdgeFunctions {
  readonly #environment: Readonly<Record<string, string>>;
  readonly #onLog: (line: string) => void;
  readonly #waiting = new Map<number, Waiting>();
  #host: ChildProcess;
  #invocations = 0;
  #isStopped = false;

  constructor(environment: Readonly<Record<string, string>>, onLog: (line: string) => void) {
    this.#environment = environment;
    this.#onLog = onLog;
    this.#host = this.#start();
  }

  /** Calls the handler of a file, once. Rejects with what the handler threw, or where its process was killed. */
  invoke(file: string, event: unknown): Promise<unknown> {
    this.#invocations += 1;
    const id = this.#invocations;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#host.send({ id, file, event }, (error) => {
        if (error) this.#take(id)?.reject(error);
      });
    });
  }

  /** Kills whatever runs now. */
  kill(): void {
    this.#host.kill("SIGKILL");
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await endProcess(this.#host, "SIGKILL");
  }

  #start(): ChildProcess {
    const host = startNode({ entry: HOST, environment: this.#environment, hasChannel: true });
    onLines(host, this.#onLog);
    host.on("message", (answer: LambdaAnswer) => this.#settle(answer));
    host.once("exit", () => {
      // Whatever waits was sent to this process: the next one starts only now.
      for (const id of [...this.#waiting.keys()]) this.#take(id)?.reject(new Error("the function's process ended"));
      if (!this.#isStopped) this.#host = this.#start();
    });
    return host;
  }

  #settle(answer: LambdaAnswer): void {
    const waiting = this.#take(answer.id);
    if (!waiting) return;
    if ("result" in answer) waiting.resolve(answer.result);
    else waiting.reject(Object.assign(new Error(answer.error.message), { name: answer.error.name }));
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
