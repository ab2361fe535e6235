import * as z from "zod";

/** A request of the parent process: the handler of a file, with one event. */
const invocation = z.object({ id: z.int(), file: z.string(), event: z.unknown() });

/** An error that a handler threw, in the form of an invocation's error. */
export interface LambdaError {
  readonly name: string;
  readonly message: string;
}

/** The answer to an invocation. */
export type LambdaAnswer = { readonly id: number } & ({ readonly result: unknown } | { readonly error: LambdaError });

async function invoke(file: string, event: unknown): Promise<unknown> {
  const { handler } = (await import(file)) as { handler: (event: unknown) => Promise<unknown> };
  return handler(event);
}

const toError = (error: unknown): LambdaError =>
  error instanceof Error ? { name: error.name, message: error.message } : { name: "Error", message: String(error) };

process.on("message", async (message) => {
  const { id, file, event } = invocation.parse(message);
  const answer: LambdaAnswer = await invoke(file, event).then(
    (result) => ({ id, result }),
    (error: unknown) => ({ id, error: toError(error) }),
  );
  process.send?.(answer);
});

// The parent is gone: nobody is left to work for.
process.on("disconnect", () => process.exit(0));
