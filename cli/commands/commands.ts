import type { Command } from "commander";
import type { Context } from "../command/context.ts";
import { drainCommand, kickCommand } from "./control.ts";
import { doctorCommand } from "./doctor.ts";
import { inspectCommand } from "./inspect.ts";
import { loadCommand } from "./load.ts";
import { planCommand } from "./plan.ts";
import { publishCommand } from "./publish.ts";
import { recordCommand, replayCommand } from "./record.ts";
import { redriveCommand } from "./redrive.ts";
import { resetCommand } from "./reset.ts";
import { smokeCommand } from "./smoke.ts";
import { tailCommand } from "./tail.ts";
import { traceCommand } from "./trace.ts";

/** Creates each command, in the order of the help. */
export const commands: readonly ((context: Context) => Command)[] = [
  tailCommand,
  publishCommand,
  inspectCommand,
  traceCommand,
  doctorCommand,
  smokeCommand,
  loadCommand,
  recordCommand,
  replayCommand,
  resetCommand,
  kickCommand,
  drainCommand,
  redriveCommand,
  planCommand,
];
