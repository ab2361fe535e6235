import { fileURLToPath } from "node:url";
import { rooms } from "./rooms.ts";

const { MUTATION_ROOM: room = "", MUTATION_SHARE: share = "1" } = process.env;
const name = room.replace("/", "-");
const folder = ".cache/mutation";

/** @type {import("@stryker-mutator/api/core").PartialStrykerOptions} */
export default {
  plugins: [import.meta.resolve("@stryker-mutator/vitest-runner"), import.meta.resolve("./sample-checker.js")].map(
    (url) => fileURLToPath(url),
  ),
  testRunner: "vitest",
  vitest: { configFile: "tools/mutation/vitest.config.ts" },
  checkers: ["sample"],
  mutate: [...rooms[room].mutate],
  // Texts of errors and logs, and empty objects in place of options: many, and they say little.
  mutator: { excludedMutations: ["StringLiteral", "ObjectLiteral"] },
  // What runs once as a module is loaded would take a process for each mutant.
  ignoreStatic: true,
  concurrency: 1,
  timeoutMS: 30_000,
  dryRunTimeoutMinutes: 15,
  incremental: true,
  incrementalFile: `${folder}/${name}-${share}.incremental.json`,
  reporters: ["progress-append-only", "clear-text", "html", "json"],
  clearTextReporter: { allowColor: false, reportTests: false },
  htmlReporter: { fileName: `${folder}/${name}.html` },
  jsonReporter: { fileName: `${folder}/${name}.json` },
  tempDirName: `${folder}/${name}`,
  ignorePatterns: ["/.cache", "/cdk.out", "/dist", "/coverage", "/docs", "/local/web"],
  // Stryker would rewrite the TypeScript configuration with TypeScript's API, which version 7 does not have.
  tsconfigFile: "none.json",
};
