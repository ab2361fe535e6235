import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { io } from "socket.io-client";
import * as z from "zod";
import { NAMESPACE } from "../../contract/endpoints.ts";
import { freePort } from "../../local/free-port.ts";
import { createIssuer } from "../../local/issuer.ts";
import { startRedis } from "../../local/redis.ts";
import { type BuildahOptions, buildWithBuildah, canUseBuildah } from "./buildah.ts";
import { type BuiltImage, ImageError } from "./built-image.ts";
import { buildInPlainFolder } from "./plain-folder.ts";

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 20_000;

const context = join(import.meta.dirname, "../..");
const dockerfile = join(context, "gateway/Dockerfile");

export interface CheckImageOptions extends Pick<BuildahOptions, "base" | "options" | "environment"> {
  /** `auto`: buildah where it can be had, else a plain folder. */
  readonly builder: "auto" | "buildah" | "folder";
}

/** What a check saw. It throws where something is not as it must be. */
export interface ImageReport {
  readonly how: string;
  readonly buildSeconds: number;
  readonly ownBytes: number;
  readonly totalBytes: number | undefined;
  /** How often the gateway pings a client; the load balancer's idle timeout is to be several times that. */
  readonly pingSeconds: number;
  /** What a client heard before the process ended. */
  readonly clientHeard: readonly string[];
  /** Of the process, after SIGTERM. */
  readonly exitCode: number | null;
}

const openPacket = z.object({ pingInterval: z.number() });

/** The handshake of a WebSocket, read without a Socket.IO client, as a balancer sees it. */
async function readPingSeconds(port: number): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
  const [message] = await once(socket, "message", { signal: AbortSignal.timeout(START_TIMEOUT_MS) });
  socket.close();
  return openPacket.parse(JSON.parse(z.string().parse(message.data).slice(1))).pingInterval / 1_000;
}

async function untilReady(port: number, output: () => string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  const answers = (path: string): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}${path}`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!((await answers("/healthz")) && (await answers("/readyz")))) {
    if (Date.now() > deadline) throw new ImageError(`/healthz and /readyz do not answer:\n${output()}`);
    await delay(50);
  }
}

/** Connects a client, sends SIGTERM, and tells what the client heard and how the process ended. */
async function stopUnderClient(port: number, started: Awaited<ReturnType<BuiltImage["start"]>>) {
  const heard: string[] = [];
  const client = io(`http://127.0.0.1:${port}${NAMESPACE}`, { transports: ["websocket"], reconnection: false });
  client.onAny((event: string) => heard.push(event));
  client.on("disconnect", (reason) => heard.push(reason));
  await new Promise<void>((connected, failed) => client.on("connect", connected).on("connect_error", failed));
  const exited = once(started.process, "exit", { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) });
  started.signal("SIGTERM");
  const [exitCode] = await exited;
  client.close();
  return { clientHeard: heard, exitCode: z.number().nullable().parse(exitCode) };
}

async function build({ builder, base, options, environment }: CheckImageOptions): Promise<BuiltImage> {
  const useBuildah = builder === "buildah" || (builder === "auto" && canUseBuildah(environment));
  if (!useBuildah) return buildInPlainFolder({ dockerfile, context, environment });
  return buildWithBuildah({ dockerfile, context, base, options, environment });
}

/**
 * Builds the gateway's image, or carries out the same steps in a plain folder, starts it on a real Redis, and checks
 * what a deploy relies on: its health, its handshake, and that it drains on SIGTERM.
 *
 * @throws ImageError or the error of the step that failed.
 */
export async function checkImage(options: CheckImageOptions): Promise<ImageReport> {
  const begun = performance.now();
  const image = await build(options);
  const buildSeconds = Math.round((performance.now() - begun) / 100) / 10;
  const redis = await startRedis();
  try {
    const port = await freePort();
    const { env } = await createIssuer();
    const started = await image.start({
      ...env,
      RT_REDIS_URL: redis.url,
      RT_PORT: String(port),
      RT_DRAIN_SECONDS: "1",
    });
    let output = "";
    for (const stream of [started.process.stdout, started.process.stderr])
      stream?.on("data", (chunk) => (output += chunk));
    try {
      await untilReady(port, () => output);
      const pingSeconds = await readPingSeconds(port);
      const end = await stopUnderClient(port, started);
      return {
        how: image.how,
        buildSeconds,
        ownBytes: image.ownBytes,
        totalBytes: image.totalBytes,
        pingSeconds,
        ...end,
      };
    } finally {
      started.process.kill("SIGKILL");
    }
  } finally {
    await redis.stop();
    await image.remove();
  }
}
