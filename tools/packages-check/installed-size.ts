import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PackedPackage } from "../pack/pack-packages.ts";
import { install } from "./consumer.ts";

/** The publisher goes into functions of other teams, which have 250 MB for all that they need. */
const PUBLISHER_LIMIT_MB = 60;

const megabytes = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => statSync(join(folder, path), { throwIfNoEntry: false }))
    .reduce((sum, entry) => sum + (entry?.isFile() ? entry.size : 0), 0) / 1_000_000;

/** Installs a package without its peers in an empty folder. Throws if it weighs more than it may. */
export function checkInstalledSize({ name, packageName, tarball }: PackedPackage): string {
  const folder = mkdtempSync(join(tmpdir(), "installed-size-"));
  try {
    const dependencies = { [packageName]: `file:${tarball}` };
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies }));
    install(folder, "--omit=peer");
    const modules = join(folder, "node_modules");
    const size = megabytes(modules);
    if (existsSync(join(modules, "aws-cdk-lib"))) throw new Error(`${packageName} installs aws-cdk-lib`);
    if (name === "publisher" && size > PUBLISHER_LIMIT_MB) {
      throw new Error(`${packageName} weighs ${size.toFixed(1)} MB installed, more than ${PUBLISHER_LIMIT_MB} MB`);
    }
    return `${size.toFixed(1)} MB`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
