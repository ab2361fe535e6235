import { join, relative } from "node:path";
import { defineConfig, mergeConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import shared from "../../vitest.config.ts";
import { rooms } from "./rooms.ts";

const room = rooms[process.env.MUTATION_ROOM ?? ""];
if (!room) throw new Error(`MUTATION_ROOM must name one of ${Object.keys(rooms).join(", ")}`);
const { tests } = room;
const root = join(import.meta.dirname, "../..");
const positionOf = ({ moduleId }: TestSpecification): number => tests.indexOf(relative(root, moduleId));

/** Runs the files in the order of the list: the first failure ends the run, so the quick files come first. */
class ListedOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((one, other) => positionOf(one) - positionOf(other));
  }
}

const config = mergeConfig(
  shared,
  defineConfig({
    root,
    resolve: {
      // Stryker's copy of the repository has a link to node_modules, whose own links lead to the code without mutants.
      alias: [
        { find: /^@vezta\/realtime-client$/, replacement: join(root, "client/index.ts") },
        { find: /^@vezta\/realtime-client\/(react|react-native)$/, replacement: join(root, "client/$1/index.ts") },
        { find: /^@vezta\/realtime-publisher$/, replacement: join(root, "publisher/index.ts") },
        { find: /^@vezta\/realtime-publisher\/testing$/, replacement: join(root, "publisher/testing.ts") },
      ],
    },
    test: {
      // What a mutant keeps from happening fails its test early, and not when Stryker gives up and starts a new process.
      testTimeout: 20_000,
      hookTimeout: 30_000,
      expect: { poll: { timeout: 8_000, interval: 20 } },
      sequence: { sequencer: ListedOrder },
      setupFiles: ["tools/mutation/setup.ts"],
    },
  }),
);
config.test.include = tests;
config.test.reporters = [];
export default config;
