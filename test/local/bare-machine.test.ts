import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findFakeTime } from "../../local/fake-time.ts";
import { startRedis } from "../../local/redis.ts";
import { launchProgram } from "../support/browser.ts";
import { type ChromiumProgram, findChromium } from "../support/chromium.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const isDebian = existsSync("/usr/bin/apt-get");
const isPackaged = process.platform === "linux" && process.arch === "x64";

let empty = "";
beforeAll(async () => {
  empty = await mkdtemp(join(tmpdir(), "bare-machine-"));
});
afterAll(() => rm(empty, { recursive: true }));

/** Names the libraries that the dynamic linker loads for a program, with where it finds them. */
async function librariesOf(program: string, env: Readonly<Record<string, string>> = {}): Promise<Map<string, string>> {
  const { stdout } = await run("ldd", [program], { env: { PATH: process.env.PATH, ...env } });
  const lines = stdout.split("\n").map((line) => line.trim().split(" "));
  return new Map(lines.map(([name = "", arrow, path = ""]) => [basename(name), arrow === "=>" ? path : name]));
}

// Downloads that are made once a machine.
describe("a machine that has Node and npm and nothing else", { timeout: 300_000 }, () => {
  it("gets Redis and libfaketime from Debian's packages, or says what to install", async () => {
    if (!isDebian) {
      await expect(startRedis({ searchPath: empty })).rejects.toThrow("Install one and start again");
      await expect(findFakeTime({ folders: [empty] })).rejects.toThrow("Install it");
      return;
    }
    const redis = await startRedis({ searchPath: empty });
    await redis.stop();

    const library = await findFakeTime({ folders: [empty] });

    const env = { LD_PRELOAD: library, FAKETIME: "@2001-02-03 04:05:06" };
    expect((await run("date", ["+%Y"], { env })).stdout).toBe("2001\n");
  });

  describe("gets a Chromium", () => {
    let program: ChromiumProgram;
    beforeAll(async () => {
      program = await findChromium({ searchPath: empty });
    }, 300_000);

    it("that shows text", async () => {
      const browser = await launchProgram(program);
      try {
        const page = await browser.newPage();
        await page.setContent("<p>text</p>");

        expect((await page.locator("p").boundingBox())?.height).toBeGreaterThan(10);
      } finally {
        await browser.close();
      }
    });

    it.runIf(isPackaged)("that needs no library of the system beside those that Node itself needs", async () => {
      const needed = await librariesOf(program.executablePath, program.env);
      const own = dirname(program.executablePath);
      const nodes = await librariesOf(process.execPath);
      const missing = [...needed].filter(
        ([name, path]) => !path.startsWith(own) && !nodes.has(name) && !name.startsWith("linux-vdso"),
      );

      expect(needed.size).toBeGreaterThan(5);
      expect(missing).toEqual([]);
    });
  });
});

describe("npm start, with a Node that cannot run TypeScript", () => {
  it("prints instructions instead of a stack trace", async () => {
    const old = ["--no-experimental-strip-types", join(root, "local/start.js")];

    const { status, stderr } = spawnSync(process.execPath, old, { encoding: "utf8" });

    expect(status).toBe(1);
    expect(stderr).toContain("npm rebuild node --ignore-scripts=false && npm start");
    expect(stderr).not.toContain("    at ");
  });
});
