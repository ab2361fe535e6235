import { join } from "node:path";
import { nodeFlags } from "../server-process.ts";
import type { Contender } from "./contender.ts";

const PROGRAM = join(import.meta.dirname, "processes.program.ts");

/** A Node server as several processes that share its port and, here, its core. */
export const inProcesses = (contender: Contender, count: number): Contender => ({
  ...contender,
  label: `${contender.label}, ${count} processes`,
  async launch(surroundings) {
    // Ready are they all when the program says so, not when one of them answers.
    const { readyUrl: _, values, ...launch } = await contender.launch(surroundings);
    const program = values.slice(nodeFlags.length);
    return { ...launch, values: [...nodeFlags, PROGRAM, ...program, String(count), String(surroundings.port)] };
  },
});
