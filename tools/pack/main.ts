/** `npm run pack`: builds the packages and packs them as they would be published, into `dist/packages`. */
import { relative } from "node:path";
import picocolors from "picocolors";
import * as z from "zod";
import { flag, readCommandLine } from "../command-line.ts";
import { packPackages } from "./pack-packages.ts";
import { packageNames, root } from "./package-source.ts";

const { bold, dim } = picocolors;
const { words, json } = readCommandLine({
  usage: `npm run pack -- [package …] [--json]\n\npackages: ${packageNames.join(", ")} (default all)`,
  flags: ["json"],
  hasWords: true,
  schema: z.object({ words: z.array(z.enum(packageNames)), json: flag }),
});

const names = packageNames.filter((name) => words.length === 0 || words.includes(name));

const kilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} kB`;

const packed = await packPackages({ names, onProgress: (text) => console.error(dim(text)) });
if (json) {
  console.log(JSON.stringify(packed, undefined, 2));
} else {
  for (const { packageName, version, tarball, tarballBytes, unpackedBytes, files } of packed) {
    console.log(`${bold(packageName)} ${version}: ${relative(root, tarball)}`);
    console.log(`  ${kilobytes(tarballBytes)} packed, ${kilobytes(unpackedBytes)} unpacked, ${files.length} files`);
  }
}
