import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import * as z from "zod";
import { endProcess, onLines, startNode } from "../../local/child-process.ts";
import type { StreamTruth } from "../truth.ts";
import type { ClientReport, ClientRequests } from "./client-process.ts";

const ENTRY = join(import.meta.dirname, "client-process.ts");

const answer = z.object({ id: z.number(), result: z.unknown().optional(), error: z.string().optional() });

/** The clients of a deployment drill, in a process of their own. */
export class ClientFleet {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  #requests = 0;
  #log = "";

  constructor() {
    this.#process = startNode({ entry: ENTRY, environment: {}, hasChannel: true });
    onLines(this.#process, (line) => {
      this.#log = `${this.#log}${line}\n`.slice(-5_000);
    });
    this.#process.on("message", (message: unknown) => {
      const { id, result, error } = answer.parse(message);
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error));
    });
    this.#process.once("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the clients' process ended:\n${this.#log}`));
    });
  }

  async open(content: ClientRequests["open"]): Promise<void> {
    await this.#ask("open", content);
  }

  async countSettled(): Promise<number> {
    return Number(await this.#ask("countSettled", undefined));
  }

  async reset(): Promise<void> {
    await this.#ask("reset", undefined);
  }

  async report(truths: ReadonlyMap<string, StreamTruth>): Promise<ClientReport> {
    return (await this.#ask("report", { truths: [...truths] })) as ClientReport;
  }

  async stop(): Promise<void> {
    await endProcess(this.#process, "SIGKILL");
  }

  #ask<R extends keyof ClientRequests>(request: R, content: ClientRequests[R]): Promise<unknown> {
    this.#requests += 1;
    const id = this.#requests;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.send({ id, request, content });
    });
  }
}
