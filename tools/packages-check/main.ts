/**
 * `npm run packages:check`: installs the packages from their tarballs into fresh folders, as other teams do, and builds
 * and runs the examples there. It installs Next.js, React Native and others from the registry, which takes minutes.
 */
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import picocolors from "picocolors";
import { type Platform, startPlatform } from "../../test/support/platform.ts";
import { packPackages } from "../pack/pack-packages.ts";
import { checks, type Gateway } from "./checks.ts";

const { bold, dim, green, red } = picocolors;
const { values: options, positionals } = parseArgs({ options: { json: { type: "boolean" } }, allowPositionals: true });

const chosen = checks.filter(
  ({ name }) => positionals.length === 0 || positionals.some((start) => name.startsWith(start)),
);
if (chosen.length === 0) {
  console.error(
    `no check begins with ${positionals.join(" or ")}; there are:\n  ${checks.map(({ name }) => name).join("\n  ")}`,
  );
  process.exit(1);
}

interface Result {
  readonly name: string;
  readonly passed: boolean;
  readonly seconds: number;
  readonly remark: string;
}

let started: Promise<{ platform: Platform; gateway: Gateway }> | undefined;

async function startWithPrice(): Promise<{ platform: Platform; gateway: Gateway }> {
  const platform = await startPlatform({ gateways: 1 });
  const price = { marketId: "m1", yes: "0.42", no: "0.58", time: Date.now() };
  await platform.publish([{ channel: "market:prices", key: price.marketId, eventId: "first", data: price }]);
  return { platform, gateway: { url: String(platform.gateways[0]?.url), shown: `m1: YES ${price.yes}` } };
}

async function startGateway(): Promise<Gateway> {
  started ??= startWithPrice();
  return (await started).gateway;
}

console.error(dim("packing the packages"));
const packed = await packPackages();

const results: Result[] = [];
for (const { name, run } of chosen) {
  console.error(dim(name));
  const start = performance.now();
  const [passed, remark] = await run(packed, startGateway).then(
    (text) => [true, text] as const,
    (error: unknown) => [false, error instanceof Error ? error.message : String(error)] as const,
  );
  const seconds = Math.round((performance.now() - start) / 100) / 10;
  results.push({ name, passed, seconds, remark });
  if (!options.json)
    console.log(`${passed ? green("passed") : red("failed")} ${bold(name)} in ${seconds} s: ${remark}`);
}
await (await started)?.platform.stop();
if (options.json) console.log(JSON.stringify(results, undefined, 2));
if (results.some(({ passed }) => !passed)) process.exitCode = 1;
