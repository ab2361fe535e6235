import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { messageOf } from "../../kernel/as-error.ts";
import { type Context, UsageError } from "./context.ts";

/** Resolves with the text of a file; `-` is standard input. @throws UsageError where it cannot be read. */
export async function readText({ input }: Context, file: string): Promise<string> {
  if (file === "-") return text(input);
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${messageOf(error)}`);
  }
}

/** Parses JSON, or one JSON value a line. @throws UsageError that names the line. */
export function parseJsonValues(file: string, content: string): unknown[] {
  try {
    const value: unknown = JSON.parse(content);
    return Array.isArray(value) ? value : [value];
  } catch (cause) {
    const lines = content.split("\n").filter((line) => line.trim() !== "");
    if (lines.length < 2) throw new UsageError(`${file} is not JSON: ${messageOf(cause)}`);
    return lines.map((line, index) => {
      try {
        return JSON.parse(line);
      } catch (error) {
        throw new UsageError(`${file}, line ${index + 1} is not JSON: ${messageOf(error)}`);
      }
    });
  }
}
