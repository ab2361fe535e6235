import { setTimeout as delay } from "node:timers/promises";

const PAUSE_MS = 20;

/**
 * Resolves once the condition holds.
 *
 * @param what completes the sentence "… did not happen" for whoever reads the error.
 * @throws Error after `deadlineMs`.
 */
export async function until(
  what: string,
  deadlineMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what}: did not happen within ${deadlineMs} ms`);
    await delay(PAUSE_MS);
  }
}
