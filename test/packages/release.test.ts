import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../tools/pack/package-source.ts";

const folder = mkdtempSync(join(tmpdir(), "release-"));
const userConfig = join(folder, ".npmrc");

/** The packages of the registry as they were published, by name; what npm sends is what it asks for later. */
const published = new Map<string, string>();

async function store(request: IncomingMessage): Promise<void> {
  published.set(nameOf(request), await text(request));
}

const nameOf = ({ url = "" }: IncomingMessage): string => decodeURIComponent(url.slice(1).split("?")[0] ?? "");

/** The part of a registry that publishing needs. */
const registry: Server = createServer(async (request, response) => {
  if (request.method === "PUT") await store(request);
  const found = published.get(nameOf(request));
  response.writeHead(found === undefined ? 404 : 200, { "content-type": "application/json" }).end(found ?? "{}");
});

interface Outcome {
  readonly code: unknown;
  readonly output: string;
}

async function release(...parameters: readonly string[]): Promise<Outcome> {
  const running = spawn(process.execPath, [join(root, "tools/release/main.ts"), ...parameters], {
    env: { ...process.env, npm_config_userconfig: userConfig },
  });
  const exited = once(running, "exit");
  const [stdout, stderr] = await Promise.all([text(running.stdout), text(running.stderr)]);
  const [code] = await exited;
  return { code, output: stdout + stderr };
}

beforeAll(async () => {
  registry.listen(0, "127.0.0.1");
  await once(registry, "listening");
});
afterAll(() => {
  registry.close();
  rmSync(folder, { recursive: true });
});

describe("npm run release", () => {
  it("publishes nothing while no registry is configured for the packages' scope", async () => {
    writeFileSync(userConfig, "");

    const { code, output } = await release();

    expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining("Nothing was published") });
  });

  it("publishes to the scope's registry what that does not have yet, and nothing twice", async () => {
    const host = `127.0.0.1:${(registry.address() as AddressInfo).port}`;
    writeFileSync(userConfig, `@vezta:registry=http://${host}/\n//${host}/:_authToken=test\n`);

    const first = await release("--tag", "next");
    const second = await release();

    expect(first).toMatchObject({ code: 0 });
    expect([...published.keys()].toSorted()).toEqual(
      ["client", "publisher", "cdk"].map((name) => `@vezta/realtime-${name}`).toSorted(),
    );
    expect([...published.values()].map((body) => Object.keys(JSON.parse(body)["dist-tags"]))).toEqual(
      Array.from({ length: 3 }, () => ["next"]),
    );
    expect(second.code).toBe(0);
    expect(second.output.match(/is published already/g)).toHaveLength(3);
  }, 600_000);
});
