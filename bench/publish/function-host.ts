/**
 * Plays Lambda's runtime to a function whose bundle, `function.mjs`, is beside this program's: loads it at once, then
 * gives it the events that the parent sends, one after the other, and says when what happened.
 */
import { once } from "node:events";

/** Times are in ms since 1970, with fractions. */
export interface FunctionTimes {
  readonly startedAt: number;
  readonly loadedAt: number;
  /** When each event was handed to the function, and when it was done with it. */
  readonly invocations: readonly { readonly from: number; readonly to: number }[];
}

type Handler = (event: unknown) => Promise<unknown>;

const now = (): number => performance.timeOrigin + performance.now();

const startedAt = now();
const received = once(process, "message");
const { handler }: { handler: Handler } = await import(new URL("function.mjs", import.meta.url).href);
const loadedAt = now();
const [events]: unknown[][] = await received;

const invocations: { from: number; to: number }[] = [];
for (const event of events ?? []) {
  const from = now();
  await handler(event);
  invocations.push({ from, to: now() });
}
process.send?.({ startedAt, loadedAt, invocations } satisfies FunctionTimes);
