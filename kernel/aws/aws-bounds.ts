import { setTimeout as delay } from "node:timers/promises";

/** Longest wait for a connection to an AWS service, and for its answer to one attempt, in ms. */
const CONNECT_MS = 1_500;
const ATTEMPT_MS = 4_000;

/** Attempts of the SDK at one request, with its backoff in between. */
export const ATTEMPTS = 3;

/** Sockets to one service: more than one invocation uses at once, as a request that waits for a socket is timed too. */
const MAXIMUM_SOCKETS = 256;

/** How an AWS client of the managed edge waits: never without an end. */
export const requestHandler = {
  connectionTimeout: CONNECT_MS,
  requestTimeout: ATTEMPT_MS,
  // Without it the SDK logs a warning, and waits on.
  throwOnRequestTimeout: true,
  httpAgent: { maxSockets: MAXIMUM_SOCKETS },
  httpsAgent: { maxSockets: MAXIMUM_SOCKETS },
} as const;

/** Longest that one request takes with all its attempts, in ms. */
export const REQUEST_BOUND_MS = 5_000;

/** The end of a request that begins now, or of all that `until` ends. */
export function requestSignal(until?: AbortSignal): { readonly abortSignal: AbortSignal } {
  const bound = AbortSignal.timeout(REQUEST_BOUND_MS);
  return { abortSignal: until ? AbortSignal.any([bound, until]) : bound };
}

/** Whether a service did not answer in time, so that nobody knows whether it has done what it was asked for. */
export const isTimeout = (error: unknown): boolean =>
  error instanceof Error && (error.name === "TimeoutError" || error.name === "AbortError");

/** Backs off before the attempt of that number, counted from 1, with jitter. */
export const backOff = (attempt: number): Promise<void> =>
  delay(Math.min(1_000, 50 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2));
