/**
 * Every error code, as sent in an `error` event, an acknowledgement or a `connect_error`. `retry` is true if the same
 * request can succeed later without a change by the client.
 */
export const errorCodes = {
  bad_request: { retry: false, meaning: "The request is malformed; the message says where." },
  unknown_channel: { retry: false, meaning: "There is no channel of that name." },
  unauthorized: { retry: false, meaning: "The channel is private and the connection has no valid token." },
  token_invalid: { retry: false, meaning: "The token is invalid; get a new one." },
  token_expired: { retry: false, meaning: "The token has expired; get a new one." },
  limit_exceeded: { retry: false, meaning: "The connection has the maximum number of subscriptions." },
  rate_limited: { retry: true, meaning: "Too many requests; slow down." },
  slow_consumer: {
    retry: true,
    meaning: "The send buffer limit is exceeded and the connection is closed; reconnect and resume.",
  },
  unavailable: { retry: true, meaning: "The service is temporarily unavailable; retry." },
  internal: { retry: true, meaning: "An internal error of the service." },
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** An error that is sent to a client: its message must not contain secrets or internals. */
export class ChannelError extends Error {
  override readonly name = "ChannelError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
