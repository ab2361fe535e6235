import type { ErrorCode } from "../../../contract/errors.ts";

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

/** The application's token function threw, or did not settle in time. */
export class TokenError extends Error {
  override readonly name = "TokenError";

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
