import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

export const root = join(import.meta.dirname, "../..");

const versions = z.record(z.string(), z.string());

const manifestSchema = z.looseObject({
  name: z.string(),
  version: z.string(),
  /** The source file of each subpath; the built package's `exports` follow from them. */
  exports: z.record(z.string(), z.string()),
  dependencies: versions.optional(),
  peerDependencies: versions.optional(),
});

export type SourceManifest = z.infer<typeof manifestSchema>;

/** The folders of the packages, by the short name that `npm run pack` takes. */
const folders = { client: "client", publisher: "publisher", cdk: "infra/constructs" } as const;

export type PackageName = keyof typeof folders;

export const packageNames: readonly PackageName[] = ["client", "publisher", "cdk"];

export interface PackageSource {
  readonly name: PackageName;
  /** From the root of the repository. */
  readonly folder: string;
  readonly manifest: SourceManifest;
  /** The source of each entry from the root of the repository, by the entry's file name without ending: `index`, `react`. */
  readonly entries: Readonly<Record<string, string>>;
  /** Platform that the code runs on: the client must not name anything of Node's. */
  readonly platform: "neutral" | "node";
}

/** The file of a subpath, without ending: `.` is `index`, `./react` is `react`. */
export const entryName = (subpath: string): string => (subpath === "." ? "index" : subpath.slice("./".length));

/** Reads a package's own package.json: what is built follows from its `exports` and dependencies. */
export function readPackage(name: PackageName): PackageSource {
  const folder = folders[name];
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")));
  const entries = Object.entries(manifest.exports).map(([subpath, source]) => [
    entryName(subpath),
    join(folder, source),
  ]);
  return {
    name,
    folder,
    manifest,
    entries: Object.fromEntries(entries),
    platform: name === "client" ? "neutral" : "node",
  };
}

/** Returns the packages that a built package leaves to npm. */
export const externalsOf = ({ manifest }: PackageSource): readonly string[] =>
  Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
