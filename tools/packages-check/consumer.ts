import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import type { PackedPackage } from "../pack/pack-packages.ts";
import { root } from "../pack/package-source.ts";

const versions = z.record(z.string(), z.string());
const manifestSchema = z.looseObject({ dependencies: versions.default({}), devDependencies: versions.default({}) });

/** A folder outside the repository with an example and what npm installed for it. */
export interface Consumer {
  readonly folder: string;
  /** Runs a program of the folder's `node_modules/.bin`; throws with its output if it fails. */
  run(program: string, ...parameters: readonly string[]): string;
  remove(): void;
}

export interface ConsumerOptions {
  /** A folder of `examples/`. */
  readonly example: string;
  /** Versions in place of the example's own; undefined removes the dependency. */
  readonly versions?: Readonly<Record<string, string | undefined>>;
}

/** Runs a program to its end and returns its output. Throws with the output if it fails. */
function runProgram(program: string, parameters: readonly string[], folder: string): string {
  try {
    return execFileSync(program, parameters, { cwd: folder, encoding: "utf8", stdio: "pipe", maxBuffer: 64_000_000 });
  } catch (cause) {
    const output = z.object({ stdout: z.string(), stderr: z.string() }).parse(cause);
    throw new Error(`${program} ${parameters.join(" ")} failed:\n${output.stdout}${output.stderr}`, { cause });
  }
}

/** Installs a folder with npm. Throws where peer ranges exclude each other, as npm would for a user. */
export function install(folder: string, ...parameters: readonly string[]): void {
  const quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--strict-peer-deps"];
  runProgram("npm", ["install", ...quiet, ...parameters], folder);
}

type Versions = Readonly<Record<string, string | undefined>>;

/** Replaces the versions of those dependencies that are there, and leaves the others. */
const replaceVersions = (dependencies: Readonly<Record<string, string>>, replacements: Versions): Versions =>
  Object.fromEntries(
    Object.entries(dependencies).map(([name, version]) => [
      name,
      Object.hasOwn(replacements, name) ? replacements[name] : version,
    ]),
  );

/** Copies an example to a fresh folder and installs it, with the tarballs in place of published packages. */
export function createConsumer(packed: readonly PackedPackage[], options: ConsumerOptions): Consumer {
  const folder = mkdtempSync(join(tmpdir(), `consumer-${options.example}-`));
  cpSync(join(root, "examples", options.example), folder, { recursive: true });
  const path = join(folder, "package.json");
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  const tarballs = Object.fromEntries(packed.map(({ packageName, tarball }) => [packageName, `file:${tarball}`]));
  const replacements = { ...options.versions, ...tarballs };
  const dependencies = replaceVersions(manifest.dependencies, replacements);
  const devDependencies = replaceVersions(manifest.devDependencies, replacements);
  writeFileSync(path, JSON.stringify({ ...manifest, dependencies, devDependencies }));
  install(folder);
  return {
    folder,
    run: (program, ...parameters) => runProgram(join(folder, "node_modules/.bin", program), parameters, folder),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
