import type { Command } from "commander";
import type { Context } from "../command/context.ts";
import { drainCommand, kickCommand } from "./control.ts";
import { inspectCommand } from "./inspect.ts";
import { publishCommand } from "./publish.ts";
import { resetCommand } from "./reset.ts";
import { smokeCommand } from "./smoke.ts";
import { tailCommand } from "./tail.ts";

/** Creates each command, in the order of the help. */
export const commands: readonly ((context: Context) => Command)[] = [
  tailCommand,
  publishCommand,
  inspectCommand,
  smokeCommand,
  resetCommand,
  kickCommand,
  drainCommand,
];
