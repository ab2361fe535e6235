import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packPackages } from "../../tools/pack/pack-packages.ts";
import { externalsOf, packageNames, readPackage, root } from "../../tools/pack/package-source.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

const folder = mkdtempSync(join(tmpdir(), "node-versions-"));
const modules = join(folder, "node_modules");
const sources = packageNames.map(readPackage);

/** Every entry of every package that Node can load: React Native's needs its bundler. */
const entries = sources.flatMap(({ manifest }) =>
  Object.keys(manifest.exports)
    .filter((subpath) => subpath !== "./react-native")
    .map((subpath) => join(manifest.name, subpath)),
);

/** Makes a package of the repository's node_modules one of the folder's. */
function link(name: string): void {
  mkdirSync(dirname(join(modules, name)), { recursive: true });
  symlinkSync(join(root, "node_modules", name), join(modules, name));
}

/** Fetches the newest Node of a major version with npm, into npm's own cache, and returns the path of the program. */
const fetchNode = (major: number): string =>
  execFileSync("npm", ["exec", "--yes", `--package=node@${major}`, "--", "node", "-p", "process.execPath"], {
    cwd: folder,
    encoding: "utf8",
  }).trim();

let platform: Platform;
beforeAll(async () => {
  for (const { folder: built, packageName } of await packPackages({ output: join(folder, "packages") }))
    cpSync(built, join(modules, packageName), { recursive: true });
  for (const name of new Set(sources.flatMap(externalsOf))) if (name !== "react-native") link(name);
  cpSync(join(root, "examples/script"), folder, { recursive: true });
  platform = await startPlatform({ gateways: 1 });
}, 300_000);
afterAll(async () => {
  await platform.stop();
  rmSync(folder, { recursive: true });
});

/** Returns the version of a Node, and the names that each entry exports there. */
function load(node: string, format: "commonjs" | "module"): { version: string; names: Record<string, string[]> } {
  const program = `
    const load = ${format === "module" ? "(entry) => import(entry)" : "(entry) => require(entry)"};
    const exported = async (entry) => [entry, Object.keys(await load(entry)).filter((name) => name !== "default").sort()];
    Promise.all(${JSON.stringify(entries)}.map(exported)).then((all) =>
      console.log(JSON.stringify({ version: process.version, names: Object.fromEntries(all) })));`;
  const parameters = [`--input-type=${format}`, "--eval", program];
  return JSON.parse(execFileSync(node, parameters, { cwd: folder, encoding: "utf8" }));
}

/** Runs a script until it has printed one line, and returns the line. */
async function firstLine(node: string, script: string, url: string): Promise<string> {
  const running = spawn(node, [join(folder, script), url], { stdio: ["ignore", "pipe", "inherit"] });
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

describe.each([20, 22])("the packed packages on Node %i", (major) => {
  let node: string;
  beforeAll(() => {
    node = fetchNode(major);
  });

  it.each(["commonjs", "module"] as const)("load with all their exports (%s)", (format) => {
    const { version, names } = load(node, format);

    expect(version).toMatch(new RegExp(`^v${major}\\.`));
    expect(names).toEqual(load(process.execPath, format).names);
    expect(Object.entries(names).filter(([, exported]) => exported.length === 0)).toEqual([]);
  });

  it.each(["prices.mjs", "prices.cjs"])(
    "print the price that the gateway has, in the example script %s",
    async (script) => {
      const data = { marketId: "m1", yes: "0.42", no: "0.58", time: Date.now() };
      await platform.publish([{ channel: "market:prices", key: "m1", eventId: `${major}/${script}`, data }]);

      const line = await firstLine(node, script, String(platform.gateways[0]?.url));

      expect(line).toBe("m1: YES 0.42, NO 0.58");
    },
  );
});
