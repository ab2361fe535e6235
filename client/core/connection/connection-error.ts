import type { ErrorCode } from "../../../contract/errors.ts";
import type { CloseReason } from "../transport/transport.ts";

/** The step of connecting that failed. */
export type ConnectionFailure = "token_failed" | "connection_failed" | "connection_lost";

export interface ConnectionErrorDetails {
  /** The step that failed, or the code that the service gave. */
  readonly code: ConnectionFailure | ErrorCode;
  /** The number of failures in a row, of connecting or of getting a token, including this one. */
  readonly attempt: number;
  /** Time until the next attempt, in ms; undefined if there is none. */
  readonly nextRetryMs?: number | undefined;
}

/** A failure in the background that the client retries on its own, reported to its `onError`. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  readonly code: ConnectionFailure | ErrorCode;
  readonly attempt: number;
  readonly nextRetryMs: number | undefined;

  constructor(message: string, { code, attempt, nextRetryMs }: ConnectionErrorDetails, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.attempt = attempt;
    this.nextRetryMs = nextRetryMs;
  }
}

type RetryDetails = Omit<ConnectionErrorDetails, "code">;

/** Returns the error for a connection that ended. @param wasOpen whether the service had accepted the connection */
export function closeError({ code, message }: CloseReason, wasOpen: boolean, details: RetryDetails): ConnectionError {
  if (wasOpen)
    return new ConnectionError(`connection lost: ${message}`, { code: code ?? "connection_lost", ...details });
  return new ConnectionError(`could not connect: ${message}`, { code: code ?? "connection_failed", ...details });
}

/** Returns the error for an attempt that failed before there was a connection. */
export function attemptError(cause: unknown, details: RetryDetails): ConnectionError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof TokenError ? "token_failed" : "connection_failed";
  return new ConnectionError(`could not connect: ${reason}`, { code, ...details }, { cause });
}

/** The application's token function threw, or did not settle in time. */
export class TokenError extends Error {
  override readonly name = "TokenError";

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
