import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { App, AssetStaging, IgnoreMode, Stack } from "aws-cdk-lib";
import { io } from "socket.io-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { NAMESPACE } from "../../contract/endpoints.ts";
import { openAwsEndpoints } from "../../drill/deploy/aws-endpoints.ts";
import { freePort } from "../../local/free-port.ts";
import { createIssuer } from "../../local/issuer.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";

const root = join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");

interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** The instructions of each stage of gateway/Dockerfile. */
const stages = read("gateway/Dockerfile")
  .split(/^FROM /m)
  .slice(1)
  .map((stage) =>
    `FROM ${stage}`
      .split("\n")
      .filter((line) => /^[A-Z]/.test(line))
      .map((line): Instruction => ({ name: line.split(" ")[0] ?? "", text: line.slice(line.indexOf(" ") + 1) })),
  );
const textsOf = (stage: number, name: string): readonly string[] =>
  (stages[stage] ?? []).filter((instruction) => instruction.name === name).map(({ text }) => text);
const command = z.array(z.string()).parse(JSON.parse(textsOf(1, "CMD")[0] ?? ""));

/** Copies the Dockerfile's context as the CDK does for a deploy: all that `.dockerignore` lets in. */
function stageContext(outdir: string): string {
  const exclude = read(".dockerignore").split("\n");
  const stack = new Stack(new App({ outdir }), "Stack");
  return new AssetStaging(stack, "Context", { sourcePath: root, exclude, ignoreMode: IgnoreMode.DOCKER })
    .absoluteStagedPath;
}

/** Carries out a step of the build stage in a folder, in place of the image's file system. */
function carryOut({ name, text }: Instruction, context: string, folder: string): void {
  if (name === "COPY") {
    const paths = text.split(" ");
    const target = join(folder, paths.pop() ?? "");
    for (const path of paths) {
      const isFile = statSync(join(context, path)).isFile();
      cpSync(join(context, path), isFile ? join(target, path.split("/").at(-1) ?? "") : target, { recursive: true });
    }
  }
  if (name === "RUN") {
    const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
    const env = { ...process.env, PATH, npm_config_prefer_offline: "true" };
    execFileSync("sh", ["-c", text], { cwd: folder, env, stdio: ["ignore", "ignore", "inherit"] });
  }
}

let work = "";
let context = "";
let redis: RunningRedis;
beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), "vezta-image-"));
  context = stageContext(join(work, "cdk.out"));
  redis = await startRedis();
});
afterAll(async () => {
  await redis.stop();
  rmSync(work, { recursive: true });
  // The packages of the build are some 30,000 files.
}, 600_000);

/** The image's program, started by the image's command where nothing but the image's own files are. */
async function startProgram(folder: string, environment: Readonly<Record<string, string>>) {
  const port = await freePort();
  const { env } = await createIssuer();
  const [, ...values] = command;
  const child = spawn(process.execPath, values, {
    cwd: folder,
    env: { ...env, ...environment, RT_REDIS_URL: redis.url, RT_PORT: String(port), RT_DRAIN_SECONDS: "1" },
    stdio: "ignore",
  });
  const isReady = async (): Promise<boolean> => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
  await expect.poll(() => isReady().catch(() => false)).toBe(true);
  return { child, port };
}

/** Reads the WebSocket handshake without a Socket.IO client, as a balancer sees it. */
async function readPingSeconds(port: number): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
  const [message] = await once(socket, "message");
  socket.close();
  return z.object({ pingInterval: z.number() }).parse(JSON.parse(String(message.data).slice(1))).pingInterval / 1_000;
}

describe("the gateway's image", () => {
  // The steps install every package from npm's cache or registry.
  it("starts, pings as the load balancer expects, and drains on SIGTERM", { timeout: 600_000 }, async () => {
    const folder = join(work, "app");
    mkdirSync(folder);
    for (const instruction of stages[0] ?? []) carryOut(instruction, context, folder);
    const dist = join(folder, "dist");
    const aws = await openAwsEndpoints({ targets: [] });
    const { child, port } = await startProgram(dist, aws.environment);
    // The bundle has the AWS SDK, with which a task asks for the health of its target.
    await expect.poll(() => aws.calls()).toBeGreaterThan(0);
    await aws.close();
    const events: string[] = [];
    const client = io(`http://127.0.0.1:${port}${NAMESPACE}`, { transports: ["websocket"], reconnection: false });
    client.onAny((event: string) => events.push(event)).on("disconnect", (reason) => events.push(reason));
    await new Promise<void>((connected, failed) => client.on("connect", connected).on("connect_error", failed));

    // test/infra/gateway.test.ts compares the load balancer's idle timeout with it.
    expect(await readPingSeconds(port)).toBe(20);
    child.kill("SIGTERM");

    expect(await once(child, "exit")).toEqual([0, null]);
    expect(events).toEqual(["retry", "drain", "transport close"]);
    const bytes = readdirSync(dist).map((name) => statSync(join(dist, name)).size);
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(5_000_000);
  });

  it("leaves the build's packages behind in a stage of their own", () => {
    expect(stages.length).toBe(2);
    expect(textsOf(0, "FROM")).toEqual([expect.stringMatching(/ AS build$/)]);
    expect(textsOf(1, "COPY")).toEqual(["--from=build /app/dist ./"]);
    expect(textsOf(1, "RUN")).toEqual([]);
  });

  it("runs as a user other than root, with node itself as process 1", () => {
    expect(textsOf(1, "USER")).toEqual([expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/)]);
    expect(command).toEqual(["node", "--enable-source-maps", "--max-semi-space-size=16", "main.js"]);
  });

  it("contains only what it needs, so that its hash changes only with that", () => {
    const files = readdirSync(context, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(context.length + 1));
    const workspaces: string[] = JSON.parse(read("package.json")).workspaces;

    expect(files.filter((file) => !/^(contract|kernel|gateway)\//.test(file)).sort()).toEqual(
      ["package.json", "package-lock.json", ...workspaces.map((folder) => `${folder}/package.json`)].sort(),
    );
    expect(files).toEqual(expect.arrayContaining(["gateway/main.ts", "kernel/env.ts", "contract/channels.ts"]));
    expect(files.filter((file) => file.startsWith("contract/examples/"))).toEqual([]);
  });
});
