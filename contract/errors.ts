/**
 * Every code that a client can meet, in an `error` event, an acknowledgement or a `connect_error`.
 * `retry`: whether the same request can succeed later without the client changing anything.
 */
export const errorCodes = {
  bad_request: { retry: false, meaning: "The request does not have the form that the contract asks for." },
  unknown_channel: { retry: false, meaning: "There is no channel of that name." },
  unauthorized: { retry: false, meaning: "The channel is private and the connection has no valid token." },
  token_invalid: { retry: false, meaning: "The token is not one that this service accepts." },
  token_expired: { retry: false, meaning: "The token has expired; get a new one." },
  limit_exceeded: { retry: false, meaning: "The connection has as many subscriptions as it may have." },
  rate_limited: { retry: true, meaning: "Too many requests in a short time." },
  slow_consumer: {
    retry: true,
    meaning: "The client let too much wait, and its connection is closed; connect again and resume.",
  },
  unavailable: { retry: true, meaning: "The service cannot answer just now." },
  internal: { retry: true, meaning: "A defect on our side." },
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** An error that may be shown to a client: its message must not carry secrets or internals. */
export class ChannelError extends Error {
  override readonly name = "ChannelError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
