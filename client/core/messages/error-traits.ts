import type { ErrorCode, errorCodes } from "../../../contract/errors.ts";

/**
 * Says of each error code whether the same request can succeed later. Leaves out what else the contract's table says,
 * which would go into every bundle. The compiler checks every value against the contract.
 */
const retryable: { readonly [C in ErrorCode]: (typeof errorCodes)[C]["retry"] } = {
  bad_request: false,
  unknown_channel: false,
  unauthorized: false,
  token_invalid: false,
  token_expired: false,
  limit_exceeded: false,
  rate_limited: true,
  slow_consumer: true,
  unavailable: true,
  internal: true,
};

/** Returns whether the contract has an error code. */
export const isErrorCode = (code: string): boolean => Object.hasOwn(retryable, code);

/** Returns whether a request that was refused with this code can succeed later, without any change. */
export const mayRetry = (code: ErrorCode): boolean => retryable[code];
