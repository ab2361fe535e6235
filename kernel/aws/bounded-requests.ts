import { setTimeout as delay } from "node:timers/promises";

/** Most sockets to one service. More than one invocation uses at once: a request that waits for a socket is timed too. */
const MAXIMUM_SOCKETS = 256;

interface RequestLimits {
  /**
   * Longest wait for a connection, in ms.
   *
   * @default 1,500
   */
  readonly connectTimeoutMs?: number;
  /**
   * Longest wait for the head of the answer to one attempt, in ms.
   *
   * @default 4,000
   */
  readonly answerTimeoutMs?: number;
  /**
   * Attempts at one request, with the SDK's backoff in between.
   *
   * @default 3
   */
  readonly attempts?: number;
}

/**
 * Returns the options of an AWS client whose attempts end in time. They end at the answer's head: give each `send` an
 * abort signal that ends the whole request.
 */
export function boundedRequests(limits: RequestLimits = {}) {
  const { connectTimeoutMs = 1_500, answerTimeoutMs = 4_000, attempts = 3 } = limits;
  return {
    maxAttempts: attempts,
    requestHandler: {
      connectionTimeout: connectTimeoutMs,
      requestTimeout: answerTimeoutMs,
      // Without it the SDK only logs a warning at the timeout, and waits on.
      throwOnRequestTimeout: true,
      httpAgent: { maxSockets: MAXIMUM_SOCKETS },
      httpsAgent: { maxSockets: MAXIMUM_SOCKETS },
    },
  };
}

/** Longest that a request of the managed edge takes with all its attempts, in ms. */
export const REQUEST_BOUND_MS = 5_000;

/** Returns the signal that ends a request which begins now, at its time limit or together with `until`. */
export function requestSignal(until?: AbortSignal): { readonly abortSignal: AbortSignal } {
  const bound = AbortSignal.timeout(REQUEST_BOUND_MS);
  return { abortSignal: until ? AbortSignal.any([bound, until]) : bound };
}

/** True where a service did not answer in time: the request may have been carried out or not. */
export const isTimeout = (error: unknown): boolean =>
  error instanceof Error && (error.name === "TimeoutError" || error.name === "AbortError");

/** Waits before an attempt, counted from 1: longer with each, with jitter. */
export const backOff = (attempt: number): Promise<void> =>
  delay(Math.min(1_000, 50 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2));
