import { parseArgs } from "node:util";
import picocolors from "picocolors";
import * as z from "zod";
import { messageOf } from "../kernel/as-error.ts";

/** The options that a command takes, before they are checked. */
export interface CommandLine<Schema extends z.ZodType> {
  /** Printed for `--help`, and below the reason where an option is wrong. */
  readonly usage: string;
  /** Options with a value. */
  readonly texts?: readonly string[];
  /** Options without a value. */
  readonly flags?: readonly string[];
  /** True if it takes words without dashes: the field `words` of what is checked. @default false */
  readonly hasWords?: boolean;
  /** Checks and converts the options. */
  readonly schema: Schema;
}

/** A whole number from 1, as an option gives it. */
export const positive = z.coerce.number<string>().int().min(1);

export const wholeNumber = (fallback: number) => positive.default(fallback);

/** An option without a value. */
export const flag = z.boolean().default(false);

const items = z.string().transform((text) => text.split(",").map((item) => item.trim()));

/** A list with commas, as an option gives it. */
export const list = (fallback: readonly string[]) => items.default([...fallback]);

/** A list with commas of some of the names. */
export const someOf = <Name extends string>(names: readonly Name[]) => items.pipe(z.array(z.enum(names)));

/** A list with commas of some of the names; all of them where the option is not given. */
export const anyOf = <Name extends string>(names: readonly Name[]) => someOf(names).default([...names]);

/**
 * Parses options.
 *
 * @throws Error that names the option which is unknown or wrong.
 */
export function parseCommandLine<Schema extends z.ZodType>(
  { texts = [], flags = [], hasWords = false, schema }: Omit<CommandLine<Schema>, "usage">,
  values: readonly string[],
): z.output<Schema> {
  const options = Object.fromEntries([
    ...texts.map((name) => [name, { type: "string" as const }]),
    ...flags.map((name) => [name, { type: "boolean" as const }]),
  ]);
  const parsed = parseArgs({ args: [...values], options, allowPositionals: hasWords });
  const words = hasWords ? { words: parsed.positionals } : {};
  const result = schema.safeParse({ ...parsed.values, ...words });
  if (!result.success) throw new Error(z.prettifyError(result.error));
  return result.data;
}

/** Parses the options of this process. Ends it with the usage: exit code 0 for `--help`, 2 where an option is wrong. */
export function readCommandLine<Schema extends z.ZodType>(command: CommandLine<Schema>): z.output<Schema> {
  const values = process.argv.slice(2);
  if (values.includes("--help")) {
    console.log(command.usage);
    process.exit(0);
  }
  try {
    return parseCommandLine(command, values);
  } catch (error) {
    console.error(`${picocolors.red(messageOf(error))}\n\n${command.usage}`);
    process.exit(2);
  }
}
