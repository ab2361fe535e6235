interface RequestLimits {
  /** For a connection, and again for the answer's head, in ms. */
  readonly timeoutMs: number;
  readonly attempts: number;
}

/**
 * Options of an AWS client whose requests end in time. Without `throwOnRequestTimeout` the SDK's timeout only warns. It
 * ends at the answer's head: give each `send` an abort signal for the whole.
 */
export const boundedRequests = ({ timeoutMs, attempts }: RequestLimits) => ({
  maxAttempts: attempts,
  requestHandler: { connectionTimeout: timeoutMs, requestTimeout: timeoutMs, throwOnRequestTimeout: true },
});
