import { createInterface } from "node:readline/promises";
import { type Context, FailedError } from "../command/context.ts";

/**
 * Asks a person to type `yes`.
 *
 * @throws FailedError for any other answer, or where there is nobody to ask.
 */
export async function confirm({ input, output, signal }: Context, question: string): Promise<void> {
  const lines = createInterface({ input });
  output.note(`${question} Type yes:`);
  try {
    const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    const answer = await Promise.race([lines.question("", { signal }), closed]);
    if (answer.trim() === "yes") return;
    output.note("nothing done");
    throw new FailedError("not confirmed");
  } finally {
    lines.close();
  }
}
