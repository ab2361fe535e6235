import type { ErrorCode } from "../../../contract/errors.ts";

/** Which part of connecting failed. */
export type ConnectionFailure = "token_failed" | "connection_failed" | "connection_lost";

export interface ConnectionErrorDetails {
  /** What failed, or the code that the service gave. */
  readonly code: ConnectionFailure | ErrorCode;
  /** Attempts to connect, or to get a token, that failed in a row, with this one. */
  readonly attempt: number;
  /** When it is tried again, in ms from now; undefined where it is not. */
  readonly nextRetryMs?: number | undefined;
}

/** A failure in the background that the client deals with on its own; `onError` of the client gets it. */
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

/** The application's token function has thrown, or has not settled in time. */
export class TokenError extends Error {
  override readonly name = "TokenError";

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
