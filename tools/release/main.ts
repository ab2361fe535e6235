/**
 * `npm run release`: builds the packages and publishes those whose version the registry does not have yet.
 * `--dry-run` sends nothing; `--tag next` keeps a version away from those who install the latest one.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { relative } from "node:path";
import picocolors from "picocolors";
import * as z from "zod";
import { flag, readCommandLine } from "../command-line.ts";
import { type PackedPackage, packPackages } from "../pack/pack-packages.ts";
import { packageNames, readPackage, root } from "../pack/package-source.ts";

const { bold, dim, green } = picocolors;
const { "dry-run": isDryRun, tag } = readCommandLine({
  usage: `npm run release -- [options]

  --dry-run  sends nothing
  --tag TAG  keeps the version away from those who install the latest one (default latest)
`,
  texts: ["tag"],
  flags: ["dry-run"],
  schema: z.object({ "dry-run": flag, tag: z.string().min(1).default("latest") }),
});

const npm = (...parameters: readonly string[]): string =>
  execFileSync("npm", parameters, { cwd: root, encoding: "utf8" }).trim();

/** Returns the registry of the packages' scope; npm's own default is never taken, so that nothing becomes public. */
function readScopeRegistry(packageName: string): string | undefined {
  const registry = npm("config", "get", `${packageName.split("/")[0]}:registry`);
  return registry === "undefined" ? undefined : registry;
}

const isPublished = ({ packageName, version }: PackedPackage): boolean =>
  spawnSync("npm", ["view", `${packageName}@${version}`, "version"], { cwd: root, encoding: "utf8" }).stdout.trim() ===
  version;

function publish({ packageName, version, tarball }: PackedPackage): void {
  const parameters = ["publish", tarball, "--tag", tag, ...(isDryRun ? ["--dry-run"] : [])];
  execFileSync("npm", parameters, { cwd: root, stdio: "inherit" });
  console.log(`${green(isDryRun ? "would publish" : "published")} ${bold(`${packageName}@${version}`)}`);
}

const hasRegistry = packageNames.every((name) => readScopeRegistry(readPackage(name).manifest.name) !== undefined);
if (!hasRegistry && !isDryRun) {
  console.error(
    "Nothing was published: no registry is configured for the packages' scope. Log in to one (docs/packages.md), or use --dry-run.",
  );
  process.exit(1);
}
console.error(dim("building the packages"));
const packed = await packPackages();
for (const each of packed) {
  if (!isDryRun && isPublished(each)) {
    console.log(`${each.packageName}@${each.version} is published already (${relative(root, each.tarball)})`);
  } else {
    publish(each);
  }
}
