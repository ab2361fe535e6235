import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { builtManifest } from "./built-manifest.ts";
import { bundlePackage } from "./bundle-package.ts";
import { emitDeclarations } from "./declarations.ts";
import { type PackageName, type PackageSource, packageNames, readPackage, root } from "./package-source.ts";

export interface PackedPackage {
  readonly name: PackageName;
  /** The name on the registry. */
  readonly packageName: string;
  readonly version: string;
  /** The built package, as it is in the tarball. */
  readonly folder: string;
  /** The path of the `.tgz`: `npm install` takes it. */
  readonly tarball: string;
  readonly tarballBytes: number;
  readonly unpackedBytes: number;
  readonly files: readonly string[];
}

interface PackOptions {
  /** @default all packages */
  readonly names?: readonly PackageName[];
  /** Directory for the built packages and tarballs. @default `dist/packages` of the repository */
  readonly output?: string;
  readonly onProgress?: (text: string) => void;
}

const packReport = z.tuple([
  z.object({
    filename: z.string(),
    size: z.number(),
    unpackedSize: z.number(),
    files: z.array(z.object({ path: z.string() })),
  }),
]);

function createTarball(source: PackageSource, folder: string, output: string): PackedPackage {
  const report = execFileSync("npm", ["pack", folder, "--pack-destination", output, "--json", "--ignore-scripts"], {
    cwd: output,
    encoding: "utf8",
  });
  const [{ filename, size, unpackedSize, files }] = packReport.parse(JSON.parse(report));
  const { name: packageName, version } = source.manifest;
  return {
    ...{ name: source.name, packageName, version, folder, tarball: join(output, filename) },
    ...{ tarballBytes: size, unpackedBytes: unpackedSize, files: files.map(({ path }) => path) },
  };
}

async function buildPackage(source: PackageSource, folder: string, declarations: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await bundlePackage(source, folder, declarations);
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(builtManifest(source), undefined, 2)}\n`);
  copyFileSync(join(root, source.folder, "PACKAGE.md"), join(folder, "README.md"));
  copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  const changelog = join(root, source.folder, "CHANGELOG.md");
  if (existsSync(changelog)) copyFileSync(changelog, join(folder, "CHANGELOG.md"));
}

/**
 * Builds packages and packs them as they would be published.
 *
 * @example
 * const [publisher] = await packPackages({ names: ["publisher"], output: temporaryFolder });
 * execFileSync("npm", ["install", publisher.tarball], { cwd: consumer });
 */
export async function packPackages({
  names = packageNames,
  output = join(root, "dist/packages"),
  onProgress = () => undefined,
}: PackOptions = {}): Promise<readonly PackedPackage[]> {
  const sources = names.map(readPackage);
  mkdirSync(output, { recursive: true });
  onProgress("types of the packages");
  const declarations = emitDeclarations(sources);
  try {
    const packed: PackedPackage[] = [];
    for (const source of sources) {
      onProgress(source.manifest.name);
      const folder = join(output, source.name);
      await buildPackage(source, folder, declarations.folder);
      packed.push(createTarball(source, folder, output));
    }
    return packed;
  } finally {
    declarations.remove();
  }
}
