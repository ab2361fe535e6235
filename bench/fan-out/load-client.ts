import { type ChildProcess, spawn } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { endProcess, onLines } from "../../local/child-process.ts";
import { keepTrack } from "./children.ts";
import { compile } from "./compile.ts";

const FOLDER = join(import.meta.dirname, "../load-client");
const SOURCES = ["main.c", "connection.c", "script.c", "samples.c"].map((name) => join(FOLDER, name));

/** Longest life of a load client, in seconds: it ends by itself, whatever happens to the rest. */
const MAXIMUM_SECONDS = 1_800;

const connected = z.object({ ready: z.number(), closed: z.number(), micros: z.number() });

const report = z.object({
  deliveries: z.number(),
  bytes: z.number(),
  /** When the newest delivery came, in microseconds of the monotonic clock. */
  lastAt: z.number(),
  /** CPU time of the load client since `begin`, in microseconds. */
  cpu: z.number(),
  ready: z.number(),
  closed: z.number(),
  /** Deliveries of the connection that got fewest, and of the one that got most. */
  fewest: z.number(),
  most: z.number(),
  /** Times that one connection in eight took, in microseconds: of deliveries, or of handshakes where there were any. */
  samples: z.number(),
  p50: z.number().optional(),
  p99: z.number().optional(),
  max: z.number().optional(),
});

export type LoadReport = z.infer<typeof report>;

/** Compiles the load client where that has not been done yet, and returns the program's path. */
export const compileLoadClient = (): Promise<string> =>
  compile("load-client", { sources: SOURCES, headers: [join(FOLDER, "client.h")] });

export interface LoadClientOptions {
  readonly port: number;
  /** Handshakes, which the connections take in turn; see script.c. */
  readonly scripts: readonly (readonly string[])[];
  readonly maximumConnections: number;
}

let count = 0;

/** The program that holds the connections of one run. */
export class LoadClient {
  readonly #process: ChildProcess;
  readonly #waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  #errors = "";
  #onStep: () => void = () => undefined;

  private constructor(child: ChildProcess) {
    this.#process = child;
    keepTrack(child);
    onLines(child, (line) => {
      if (line === "n") this.#onStep();
      else if (line.startsWith("{")) this.#waiting.shift()?.resolve(line);
      else this.#errors += `${line}\n`;
    });
    child.once("close", (code, signal) => {
      const error = new Error(`the load client has ended (${signal ?? code}): ${this.#errors.trim()}`);
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
    child.stdin?.on("error", () => undefined);
  }

  /** Starts the program; no connection is opened yet. */
  static async start({ port, scripts, maximumConnections }: LoadClientOptions): Promise<LoadClient> {
    const program = await compileLoadClient();
    count += 1;
    const scriptFile = join(tmpdir(), `vezta-bench-${process.pid}-${count}`);
    await writeFile(scriptFile, `${scripts.flat().join("\n")}\n`, { mode: 0o600 });
    const values = [String(port), scriptFile, String(maximumConnections), String(MAXIMUM_SECONDS)];
    const client = new LoadClient(spawn(program, values, { stdio: ["pipe", "pipe", "pipe"] }));
    try {
      // It answers once it has read the file, which has tokens in it and must not stay.
      await client.report();
    } finally {
      await rm(scriptFile, { force: true });
    }
    return client;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /**
   * Opens connections and resolves once each is ready or was closed.
   *
   * @param window connections at most whose handshake is under way.
   */
  async connect(connections: number, window = 100): Promise<z.infer<typeof connected>> {
    return connected.parse(JSON.parse(await this.#ask(`connect ${connections} 0 ${window}`)));
  }

  /** Counts from zero, and calls `onStep` for every `step` deliveries. */
  async begin(step: number, onStep: () => void): Promise<void> {
    this.#onStep = onStep;
    await this.#ask(`begin ${step}`);
  }

  /** Stops reading the first connections, for good. */
  async stall(connections: number): Promise<void> {
    await this.#ask(`stall ${connections}`);
  }

  async report(): Promise<LoadReport> {
    return report.parse(JSON.parse(await this.#ask("report")));
  }

  async stop(): Promise<void> {
    this.#process.stdin?.end();
    await endProcess(this.#process, "SIGTERM", 3_000);
  }

  #ask(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#process.exitCode !== null) reject(new Error(`the load client has ended: ${this.#errors.trim()}`));
      this.#waiting.push({ resolve, reject });
      this.#process.stdin?.write(`${command}\n`);
    });
  }
}
