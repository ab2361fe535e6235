/**
 * `npm run packages:check`: installs the packages from their tarballs into fresh folders, as other teams do, and builds
 * and runs the examples there. It installs Next.js, React Native and others from the registry, which takes minutes.
 */
import { performance } from "node:perf_hooks";
import picocolors from "picocolors";
import * as z from "zod";
import { messageOf } from "../../kernel/as-error.ts";
import { flag, readCommandLine } from "../command-line.ts";
import { packPackages } from "../pack/pack-packages.ts";
import { checks } from "./checks.ts";
import { SharedGateway } from "./gateway.ts";

const { bold, dim, green, red } = picocolors;
const checksOf = (start: string) => checks.filter(({ name }) => name.startsWith(start));

const { words, json } = readCommandLine({
  usage: `npm run packages:check -- [beginning of a name …] [--json]

checks (default all):
  ${checks.map(({ name }) => name).join("\n  ")}
`,
  flags: ["json"],
  hasWords: true,
  schema: z.object({
    words: z.array(z.string().refine((start) => checksOf(start).length > 0, "no check begins with this")),
    json: flag,
  }),
});
const chosen = words.length === 0 ? checks : [...new Set(words.flatMap(checksOf))];

interface Result {
  readonly name: string;
  readonly passed: boolean;
  readonly seconds: number;
  readonly remark: string;
}

const gateway = new SharedGateway();
console.error(dim("packing the packages"));
const packed = await packPackages();

const results: Result[] = [];
for (const { name, run } of chosen) {
  console.error(dim(name));
  const start = performance.now();
  const [passed, remark] = await run(packed, gateway.start).then(
    (text) => [true, text] as const,
    (error: unknown) => [false, messageOf(error)] as const,
  );
  const seconds = Math.round((performance.now() - start) / 100) / 10;
  results.push({ name, passed, seconds, remark });
  if (!json) console.log(`${passed ? green("passed") : red("failed")} ${bold(name)} in ${seconds} s: ${remark}`);
}
await gateway.stop();
if (json) console.log(JSON.stringify(results, undefined, 2));
if (results.some(({ passed }) => !passed)) process.exitCode = 1;
