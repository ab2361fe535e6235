/** The limits of the protocol that clients and both edges share. Imports nothing, so that a browser loads no schema with it. */

/** Most markets that one request may name, and most entries of a `lastId` map. */
export const MAXIMUM_KEYS = 500;

/** Longest market id, in UTF-16 code units. */
export const MAXIMUM_MARKET_LENGTH = 128;

/** Longest `sub` of a token and so longest user id, in UTF-16 code units: the limit of OpenID Connect. */
export const MAXIMUM_USER_LENGTH = 255;

/** Longest channel name that a request may have and a refusal repeats, in UTF-16 code units. */
export const MAXIMUM_CHANNEL_LENGTH = 64;

/** Most subscriptions (streams and whole channels) of one connection, unless the operator set another number. */
export const MAXIMUM_SUBSCRIPTIONS = 1_000;

/** Most values a second that `maxRate` may ask for; leaving it out asks for every value. */
export const MAXIMUM_RATE = 50;

/** Longest token taken, in characters. A Cognito access token has about 1,000. */
export const MAXIMUM_TOKEN_LENGTH = 8_192;

/** The numbers of price levels a side that a subscriber of order books may ask for. */
export const DEPTHS = [1, 5, 10, 20, 50, 100] as const;
export type Depth = (typeof DEPTHS)[number];
