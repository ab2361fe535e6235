import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

interface LockedPackage {
  readonly version: string;
  readonly resolved?: string;
  readonly integrity?: string;
  /** Comes in the tarball of another package. */
  readonly inBundle?: boolean;
  /** A package of this repository. */
  readonly link?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const root = join(import.meta.dirname, "../..");
const locked: Record<string, LockedPackage> = JSON.parse(
  readFileSync(join(root, "package-lock.json"), "utf8"),
).packages;

const isAtLeast = (version: string, floor: string): boolean => {
  const [have, want] = [version, floor].map((text) => text.split(".").map(Number));
  const first = have?.findIndex((number, index) => number !== want?.[index]) ?? -1;
  return first === -1 || Number(have?.[first]) > Number(want?.[first]);
};

describe("the lock file", () => {
  // Below these a peer can end the process or make it hold memory without bound.
  it.each([
    ["socket.io", "4.8.4"],
    ["socket.io-parser", "4.2.7"],
    ["engine.io", "6.6.10"],
    ["ws", "8.21.1"],
  ])("has %s at %s or newer, wherever it is nested", (name, floor) => {
    const found = Object.entries(locked).filter(([path]) => path.endsWith(`node_modules/${name}`));
    expect(found).not.toEqual([]);
    for (const [path, { version }] of found)
      expect([path, version, isAtLeast(version, floor)]).toEqual([path, version, true]);
  });

  it("names no registry, so that npm ci works with any", () => {
    expect(Object.entries(locked).filter(([, { resolved, link }]) => resolved !== undefined && !link)).toEqual([]);
  });

  it("has the integrity of every package but five, which the registry did not have when they were entered", () => {
    const unchecked = Object.entries(locked)
      .filter(
        ([path, { integrity, link, inBundle }]) => path.includes("node_modules/") && !(integrity || link || inBundle),
      )
      .map(([path]) => path);

    expect(unchecked).toEqual(
      ["darwin-arm64", "darwin-x64", "linux-arm64", "win32-arm64", "win32-x64"].map(
        (platform) => `node_modules/@yuku-toolchain/${platform}`,
      ),
    );
  });

  it("has an entry for every platform's optional package, which npm ci insists on", () => {
    const holds = (path: string, name: string): boolean =>
      `${path && `${path}/`}node_modules/${name}` in locked ||
      (path !== "" && holds(path.slice(0, Math.max(0, path.lastIndexOf("/node_modules/"))), name));
    const missing = Object.entries(locked).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !holds(path, name))
        .map((name) => `${name} of ${path}`),
    );
    expect(missing).toEqual([]);
  });
});
