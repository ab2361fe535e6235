import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { type PackedPackage, packPackages } from "../../tools/pack/pack-packages.ts";
import { type PackageName, packageNames, root } from "../../tools/pack/package-source.ts";

const names = packageNames;

const output = mkdtempSync(join(tmpdir(), "packages-"));
let packed: readonly PackedPackage[] = [];
beforeAll(async () => {
  packed = await packPackages({ names, output });
}, 300_000);
afterAll(() => rmSync(output, { recursive: true }));

function find(name: PackageName): PackedPackage {
  const found = packed.find((each) => each.name === name);
  if (!found) throw new Error(`${name} is not packed`);
  return found;
}

const manifestSchema = z.looseObject({
  dependencies: z.record(z.string(), z.string()).default({}),
  peerDependencies: z.record(z.string(), z.string()).default({}),
});

const readText = ({ folder }: PackedPackage, file: string): string => readFileSync(join(folder, file), "utf8");

/** Returns the packages that files of a built package import, without Node's own. */
function importedPackages(built: PackedPackage, files: readonly string[]): Set<string> {
  const specifiers = files.flatMap((file) =>
    [...readText(built, file).matchAll(/(?:\bfrom |\bimport\(|\brequire\(|^import )"([^".][^"]*)"/gm)].map(
      ([, name = ""]) => name,
    ),
  );
  const packages = specifiers.map((name) =>
    name
      .split("/")
      .slice(0, name.startsWith("@") ? 2 : 1)
      .join("/"),
  );
  return new Set(packages.filter((name) => !name.startsWith("node:")));
}

describe.each(names)("the tarball of %s", (name) => {
  it("has no finding of publint", async () => {
    const { messages, pkg } = await publint({ pkgDir: find(name).folder, strict: true });

    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it("resolves with its types for Node in both formats, for bundlers and for tools that do not read exports", () => {
    const attw = join(root, "node_modules/@arethetypeswrong/cli/dist/index.js");

    const { stdout, status } = spawnSync(process.execPath, [attw, find(name).tarball, "--no-emoji"], {
      encoding: "utf8",
    });

    expect({ stdout, status }).toEqual({ stdout: expect.stringContaining("No problems found"), status: 0 });
  });

  it("has a README, a licence, and a source map for each file of code", () => {
    const { files } = find(name);

    expect(files).toEqual(expect.arrayContaining(["README.md", "LICENSE", "package.json", "index.js", "index.cjs"]));
    expect(files.filter((file) => /^chunks\/.*\.c?js$/.test(file) && !files.includes(`${file}.map`))).toEqual([]);
    expect(files.filter((file) => /\.tsx?$/.test(file) && !/\.d\.[cm]?ts$/.test(file))).toEqual([]);
  });

  it("imports nothing but its dependencies and peers, and no schema library for its types", () => {
    const built = find(name);
    const { dependencies, peerDependencies } = manifestSchema.parse(JSON.parse(readText(built, "package.json")));
    // Its own name stands in the examples of its documentation comments.
    const declared = [built.packageName, ...Object.keys({ ...dependencies, ...peerDependencies })];
    const code = importedPackages(
      built,
      built.files.filter((file) => /\.c?js$/.test(file)),
    );
    const types = importedPackages(
      built,
      built.files.filter((file) => /\.d\.c?ts$/.test(file)),
    );

    expect([...code].filter((imported) => !declared.includes(imported))).toEqual([]);
    expect([...types].filter((imported) => !declared.includes(imported))).toEqual([]);
    expect(types).not.toContain("zod");
  });
});

describe("the React entries of the client", () => {
  it.each(["react.js", "react.cjs", "react-native.js", "react-native.cjs"])('mark %s with "use client"', (file) => {
    expect(readText(find("client"), file)).toMatch(/^"use client";/);
  });

  it("leave the core unmarked, for servers", () => {
    expect(readText(find("client"), "index.js")).not.toContain("use client");
  });
});
