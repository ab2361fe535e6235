import { setTimeout as delay } from "node:timers/promises";
import { SlotMigrationError } from "./publish-errors.ts";

/**
 * Longest that one `publish()` waits for Redis, retries included, in ms: a cluster's client keeps trying to connect, and
 * lets commands wait meanwhile. Where Redis carries out a call after that, the caller's retry is the duplicate.
 */
export const PUBLISH_TIMEOUT_MS = 4_000;

/** Pauses before a refused call is repeated, in ms: the first, and the longest. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 400;

/** The point in time at which every wait of one `publish()` ends. */
export interface Deadline {
  /** Milliseconds until then, 0 or less from then on. Not by the wall clock, which may be set meanwhile. */
  left(): number;
}

export function startDeadline(milliseconds: number): Deadline {
  const end = performance.now() + milliseconds;
  return { left: () => end - performance.now() };
}

/** The deadline has passed during a call. */
class DeadlineError extends Error {}

/** As p-timeout, but creates the error only at the timeout: its stack costs 20 µs a call. */
function within<T>(milliseconds: number, message: string, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new DeadlineError(message)), milliseconds);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

/**
 * While a slot moves, its keys are on two nodes: both refuse a call that names several of them (`TRYAGAIN`), or redirect it
 * to each other until the client gives up.
 */
const isRefusedByMigration = (error: unknown): error is Error =>
  error instanceof Error && /^(TRYAGAIN|MOVED|ASK|CLUSTERDOWN|Too many Cluster redirections)\b/.test(error.message);

/**
 * Calls the script, and repeats the call with growing pauses while the cluster moves the stream's slot.
 *
 * @throws SlotMigrationError where that takes too long; else what the call throws, or an Error at the deadline.
 */
export async function callUntil<T>(call: () => Promise<T>, stream: string, deadline: Deadline): Promise<T> {
  const message = `${stream}: no answer from Redis within ${PUBLISH_TIMEOUT_MS} ms`;
  let refusal: Error | undefined;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const left = deadline.left();
    try {
      if (left <= 0) throw new DeadlineError(message);
      return await within(left, message, call());
    } catch (error) {
      if (isRefusedByMigration(error)) refusal = error;
      else if (!refusal || !(error instanceof DeadlineError)) throw error;
      const wait = pause * (0.5 + Math.random() / 2);
      if (deadline.left() <= wait) {
        const reason = `${stream}: Redis is moving the stream's slot and accepted no write for ${PUBLISH_TIMEOUT_MS} ms`;
        throw new SlotMigrationError(`${reason}: publish again (${refusal.message})`, { cause: refusal });
      }
      await delay(wait);
    }
  }
}
