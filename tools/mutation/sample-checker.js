import { createHash } from "node:crypto";
import { declareClassPlugin, PluginKind } from "@stryker-mutator/api/plugin";

const share = Number(process.env.MUTATION_SHARE);

/** Returns a number from 0 to 1 that depends on the mutant alone, so that a later run has the same sample. */
function positionOf({ fileName, mutatorName, replacement, location }) {
  // Each run has another folder for its copy of the repository.
  const name = fileName.split(/[\\/]/).slice(-2).join("/");
  const text = JSON.stringify([name, mutatorName, replacement, location]);
  return createHash("sha256").update(text).digest().readUInt32BE(0) / 2 ** 32;
}

/** Takes a share of the mutants. Stryker has no word for the others: they count as not compiling, and not in the score. */
class SampleChecker {
  async init() {
    // There is nothing to prepare.
  }

  async check(mutants) {
    const left = { status: "compileError", reason: "not in the sample" };
    return Object.fromEntries(
      mutants.map((mutant) => [mutant.id, positionOf(mutant) < share ? { status: "passed" } : left]),
    );
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.Checker, "sample", SampleChecker)];
