import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import pTimeout from "p-timeout";
import { freePort } from "./free-port.ts";
import { findRedisServer } from "./redis-server.ts";

const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 5_000;

/** One Redis server that this process started. */
export interface RunningRedis {
  /** `redis://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** The process itself, for tests that pause or kill it. */
  readonly process: ChildProcess;
  /** Ends the server and removes its files. May be called again. */
  stop(): Promise<void>;
}

export interface RedisOptions {
  /** Default: one that is free. */
  readonly port?: number;
  /** More command line options of redis-server, such as `--appendonly yes`. */
  readonly configuration?: readonly string[];
  /** Added to the server's environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Directories in which to look for the server, as in `PATH`. Default: this process's own. */
  readonly searchPath?: string;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A connection for one question, which fails at once while the server is not there. */
export const openProbe = (port: number): Redis => {
  const redis = new Redis({ host: "127.0.0.1", port, lazyConnect: true, retryStrategy: () => null });
  redis.on("error", () => undefined);
  return redis;
};

async function answers(port: number): Promise<boolean> {
  const probe = openProbe(port);
  try {
    return (await probe.ping()) === "PONG";
  } catch {
    return false;
  } finally {
    probe.disconnect();
  }
}

async function untilReady(child: ChildProcess, port: number): Promise<void> {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      output = (output + chunk).slice(-2_000);
    });
  }
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`redis-server on port ${port} ended at once:\n${output}`);
    if (await answers(port)) return;
    await delay(10);
  }
  throw new Error(`redis-server on port ${port} was not ready within ${START_TIMEOUT_MS} ms:\n${output}`);
}

async function end(child: ChildProcess): Promise<void> {
  running.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGCONT");
  child.kill("SIGTERM");
  await pTimeout(exited, { milliseconds: STOP_TIMEOUT_MS, fallback: () => child.kill("SIGKILL") });
}

/**
 * Starts a real Redis server on 127.0.0.1 that keeps nothing on disk, and resolves once it answers. It ends with this
 * process at the latest.
 *
 * @throws RedisNotFoundError where there is none to be had, or an Error with the server's own output where it fails.
 */
export async function startRedis(options: RedisOptions = {}): Promise<RunningRedis> {
  const { port, configuration = [], environment = {}, searchPath } = options;
  const server = await findRedisServer(searchPath);
  const chosen = port ?? (await freePort());
  const folder = await mkdtemp(join(tmpdir(), "vezta-redis-"));
  const base = ["--port", String(chosen), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder];
  const child = spawn(server.path, [...base, ...configuration], {
    env: { ...server.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  child.on("error", () => running.delete(child));
  const stop = async (): Promise<void> => {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilReady(child, chosen);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `redis://127.0.0.1:${chosen}`, port: chosen, process: child, stop };
}
