/** `npm run pack`: builds the packages and packs them as they would be published, into `dist/packages`. */
import { relative } from "node:path";
import { parseArgs } from "node:util";
import picocolors from "picocolors";
import { packPackages } from "./pack-packages.ts";
import { packageNames, root } from "./package-source.ts";

const { bold, dim } = picocolors;
const { values: options, positionals } = parseArgs({ options: { json: { type: "boolean" } }, allowPositionals: true });

const unknown = positionals.filter((name) => !packageNames.some((known) => known === name));
if (unknown.length > 0) {
  console.error(`no package ${unknown.join(", ")}; there are ${packageNames.join(", ")}`);
  process.exit(1);
}
const names = packageNames.filter((name) => positionals.length === 0 || positionals.includes(name));

const kilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} kB`;

const packed = await packPackages({ names, onProgress: (text) => console.error(dim(text)) });
if (options.json) {
  console.log(JSON.stringify(packed, undefined, 2));
} else {
  for (const { packageName, version, tarball, tarballBytes, unpackedBytes, files } of packed) {
    console.log(`${bold(packageName)} ${version}: ${relative(root, tarball)}`);
    console.log(`  ${kilobytes(tarballBytes)} packed, ${kilobytes(unpackedBytes)} unpacked, ${files.length} files`);
  }
}
