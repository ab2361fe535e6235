import { parseArgs } from "node:util";
import picocolors from "picocolors";
import * as z from "zod";

/** The options that a command takes, before they are checked. */
export interface CommandLine<Schema extends z.ZodType> {
  /** Printed for `--help`, and below the reason where an option is wrong. */
  readonly usage: string;
  /** Options with a value. */
  readonly texts?: readonly string[];
  /** Options without a value. */
  readonly flags?: readonly string[];
  /** Checks and converts the options; words without dashes are its field `words`. */
  readonly schema: Schema;
}

/** A whole number from 1, as an option gives it. */
export const wholeNumber = (fallback: number) => z.coerce.number().int().min(1).default(fallback);

/** A list with commas, as an option gives it. */
export const list = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text) => text.split(","));

/**
 * Parses options.
 *
 * @throws Error that names the option which is unknown or wrong.
 */
export function parseCommandLine<Schema extends z.ZodType>(
  { texts = [], flags = [], schema }: Omit<CommandLine<Schema>, "usage">,
  values: readonly string[],
): z.output<Schema> {
  const options = Object.fromEntries([
    ...texts.map((name) => [name, { type: "string" as const }]),
    ...flags.map((name) => [name, { type: "boolean" as const }]),
  ]);
  const parsed = parseArgs({ args: [...values], options, allowPositionals: true });
  const result = schema.safeParse({ ...parsed.values, words: parsed.positionals });
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
    console.error(`${picocolors.red(error instanceof Error ? error.message : String(error))}\n\n${command.usage}`);
    process.exit(2);
  }
}
