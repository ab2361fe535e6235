import { z } from "zod";

/** What the parent asks for: the handler of a file, with one event. */
const invocation = z.object({ id: z.int(), file: z.string(), event: z.unknown() });

/** The answer to an invocation. */
export type LambdaAnswer = { readonly id: number } & ({ readonly result: unknown } | { readonly error: string });

async function invoke(file: string, event: unknown): Promise<unknown> {
  const { handler } = (await import(file)) as { handler: (event: unknown) => Promise<unknown> };
  return handler(event);
}

process.on("message", async (message) => {
  const { id, file, event } = invocation.parse(message);
  const answer: LambdaAnswer = await invoke(file, event).then(
    (result) => ({ id, result }),
    (error: unknown) => ({ id, error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }),
  );
  process.send?.(answer);
});

// The parent is gone: nobody is left to work for.
process.on("disconnect", () => process.exit(0));
