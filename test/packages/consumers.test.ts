import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { type PackedPackage, packPackages } from "../../tools/pack/pack-packages.ts";
import { checks } from "../../tools/packages-check/checks.ts";
import { SharedGateway } from "../../tools/packages-check/gateway.ts";

const output = mkdtempSync(join(tmpdir(), "consumers-"));
const gateway = new SharedGateway();
let packed: readonly PackedPackage[] = [];
beforeAll(async () => {
  packed = await packPackages({ output });
});
afterAll(async () => {
  await gateway.stop();
  rmSync(output, { recursive: true });
});

// The others install Next.js and React Native, which takes minutes: npm run packages:check runs all.
describe("an application of another team, in a fresh folder with the tarballs", { timeout: 600_000 }, () => {
  it.each(checks.filter(({ isQuick }) => isQuick))("installs and runs: $name", async ({ run }) => {
    await run(packed, gateway.start);
  });
});
