import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packPackages } from "../../tools/pack/pack-packages.ts";
import { root } from "../../tools/pack/package-source.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

const folder = mkdtempSync(join(tmpdir(), "scripts-"));
let platform: Platform;
beforeAll(async () => {
  const [client] = await packPackages({ names: ["client"], output: join(folder, "packages") });
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "@vezta/realtime-client"), { recursive: true });
  const target = ["-C", join(modules, "@vezta/realtime-client"), "--strip-components=1"];
  execFileSync("tar", ["xzf", String(client?.tarball), ...target]);
  symlinkSync(join(root, "node_modules/socket.io-client"), join(modules, "socket.io-client"));
  cpSync(join(root, "examples/script"), folder, { recursive: true });
  platform = await startPlatform({ gateways: 1 });
}, 300_000);
afterAll(async () => {
  await platform.stop();
  rmSync(folder, { recursive: true });
});

/** Runs a script until it has printed one line, and returns the line. */
async function firstLine(script: string, url: string): Promise<string> {
  const running = spawn(process.execPath, [join(folder, script), url], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [line] = await Promise.race([
      once(createInterface(running.stdout), "line"),
      once(running, "exit").then(() => ["the script ended"]),
    ]);
    return String(line);
  } finally {
    running.kill();
  }
}

describe("the example script, with nothing but the packed client and socket.io-client", () => {
  it.each(["prices.mjs", "prices.cjs"])("prints the price that the gateway has (%s)", async (script) => {
    const data = { marketId: "m1", yes: "0.42", no: "0.58", time: Date.now() };
    await platform.publish([{ channel: "market:prices", key: "m1", eventId: script, data }]);

    const line = await firstLine(script, String(platform.gateways[0]?.url));

    expect(line).toBe("m1: YES 0.42, NO 0.58");
  });
});
