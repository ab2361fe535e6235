import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { floors, mayImport } from "../../.dependency-cruiser.mjs";

const root = join(import.meta.dirname, "../..");
const everything = [...Object.keys(mayImport), "local", "drill", "bench", "tools", "test", "examples"];

interface Probe {
  readonly file: string;
  readonly text: string;
}

/** Every import of one room by another that is not allowed. */
const betweenRooms: Probe[] = Object.entries(mayImport).flatMap(([room, others]) =>
  everything
    .filter((other) => other !== room && !others.includes(other))
    .map((other) => ({
      file: `${room}/probe/imports-${other}.ts`,
      text: `import type { target } from "../../${other}/target.ts";\nexport type probe = target;\n`,
    })),
);

/** Every import of one folder of a room by another that is not allowed. */
const insideRooms: Probe[] = Object.entries(floors).flatMap(([room, folders]) =>
  Object.entries(folders).flatMap(([folder, others]) =>
    Object.keys(folders)
      .filter((other) => other !== folder && !others.includes(other))
      .map((other) => ({
        file: `${room}/${folder}/imports-${other}.ts`,
        text: `import { target } from "../${other}/target.ts";\nexport const probe = target;\n`,
      })),
  ),
);

const environmentProbes: Probe[] = Object.keys(mayImport).map((room) => ({
  file: `${room}/reads-environment.ts`,
  text: "export const home = process.env.HOME;\n",
}));

const targets = [
  ...everything.map((room) => `${room}/target.ts`),
  ...Object.entries(floors).flatMap(([room, folders]) =>
    Object.keys(folders).map((folder) => `${room}/${folder}/target.ts`),
  ),
];

let folder = "";
const run = (command: string, ...options: string[]): string => {
  const { stdout, stderr } = spawnSync(join(root, "node_modules/.bin", command), options, {
    cwd: folder,
    encoding: "utf8",
  });
  return `${stdout}${stderr}`;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "boundaries-"));
  const { vcs: _vcs, $schema: _schema, ...config } = JSON.parse(readFileSync(join(root, "biome.json"), "utf8"));
  writeFileSync(join(folder, "biome.json"), JSON.stringify(config));
  cpSync(join(root, ".dependency-cruiser.mjs"), join(folder, ".dependency-cruiser.mjs"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const planted = [
    ...targets.map((file) => ({ file, text: "export const target = 1;\nexport type target = 1;\n" })),
    ...betweenRooms,
    ...insideRooms,
    ...environmentProbes,
  ];
  for (const { file, text } of planted) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("the import rules", () => {
  it("refuse each forbidden import between rooms and inside a room, also of types alone", () => {
    const found = run("depcruise", ...Object.keys(mayImport), "--config", ".dependency-cruiser.mjs");
    const probes = [...betweenRooms, ...insideRooms].map(({ file }) => file);
    expect(probes.length).toBeGreaterThan(50);
    expect(probes.filter((file) => !found.includes(`${file} →`))).toEqual([]);
  });

  it("hold for every file that is there", () => {
    const { script } = {
      script: JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts["check:imports"],
    };
    const output = execFileSync("npm", ["run", "--silent", "check:imports"], { cwd: root, encoding: "utf8" });
    expect([script, output]).toEqual([
      expect.stringContaining("depcruise"),
      expect.stringContaining("no dependency violations"),
    ]);
  });
});

describe("the linter", () => {
  it("refuses to read the environment anywhere but in an entry file", () => {
    const found = run("biome", "lint", "--colors=off", "--max-diagnostics=none");
    const lines = found.split("\n").filter((line) => line.includes("noProcessEnv"));
    expect(environmentProbes.filter(({ file }) => !lines.some((line) => line.includes(file)))).toEqual([]);
  });
});
