import { CognitoJwtVerifier, JwtVerifier } from "aws-jwt-verify";
import {
  FetchError,
  JwksNotAvailableInCacheError,
  JwtExpiredError,
  WaitPeriodNotYetEndedJwkError,
} from "aws-jwt-verify/error";
import { SimpleFetcher } from "aws-jwt-verify/https";
import { type JwksCache, SimpleJwksCache } from "aws-jwt-verify/jwk";
import * as z from "zod";
import { ChannelError } from "../../contract/errors.ts";
import { MAXIMUM_TOKEN_LENGTH } from "../../contract/limits.ts";
import { describeIssue } from "../../contract/messages.ts";
import { subject } from "../../contract/payloads/primitives.ts";
import type { authEnvironment } from "../env.ts";

/** The issuer and audience of valid tokens; see {@link authEnvironment}. */
export type AuthConfig = z.infer<typeof authEnvironment>;

/** The user of a connection, from a verified token. */
export interface Identity {
  readonly sub: string;
  /** In milliseconds since 1970. */
  readonly expiresAt: number;
  /** The token's id, if it has one. */
  readonly jti?: string;
}

/**
 * Verifies a token and resolves with its user.
 *
 * @throws ChannelError `token_expired` or `token_invalid`, with a message that never quotes the token, or
 *   `unavailable` if the issuer's signing keys cannot be fetched.
 */
export type VerifyToken = (token: string) => Promise<Identity>;

/** Longest lifetime of a token, in seconds: expiry alone revokes a token, so it must not be weeks. */
const MAXIMUM_LIFETIME_SECONDS = 86_400;

const COGNITO_ISSUER = /^https:\/\/cognito-idp\.[a-z0-9-]+\.amazonaws\.com\/([\w-]+)$/;

/**
 * Timeout of each of two attempts to fetch the issuer's signing keys, in ms, also from an issuer that accepts the
 * connection and sends nothing. Both together are shorter than the 5 s in which a client must complete its handshake.
 */
const JWKS_TIMEOUT_MS = 2_000;

/** Claims that aws-jwt-verify does not require: it accepts tokens without `exp` and `sub`. */
const claims = z
  .object({ sub: subject, exp: z.int(), iat: z.int(), jti: z.string().max(256).optional() })
  .refine(({ exp, iat }) => exp - iat <= MAXIMUM_LIFETIME_SECONDS, "has a lifetime of more than a day");

const fetchedKeys = (): JwksCache => {
  const defaultRequestOptions = { timeout: JWKS_TIMEOUT_MS, responseTimeout: JWKS_TIMEOUT_MS };
  return new SimpleJwksCache({ fetcher: new SimpleFetcher({ defaultRequestOptions }) });
};

/** Returns a cache of the given keys only: a token signed with any other key is invalid, and no key is fetched. */
const givenKeys = (jwks: string): JwksCache =>
  new SimpleJwksCache({
    fetcher: { fetch: async () => new TextEncoder().encode(jwks).buffer },
    penaltyBox: {
      wait: async () => undefined,
      registerFailedAttempt: () => undefined,
      registerSuccessfulAttempt: () => undefined,
    },
  });

function createVerifier({ RT_AUTH_ISSUER, RT_AUTH_AUDIENCE, RT_AUTH_JWKS_URI, RT_AUTH_JWKS }: AuthConfig) {
  const userPoolId = COGNITO_ISSUER.exec(RT_AUTH_ISSUER)?.[1];
  const jwksCache = RT_AUTH_JWKS === undefined ? fetchedKeys() : givenKeys(RT_AUTH_JWKS);
  return userPoolId
    ? CognitoJwtVerifier.create({ userPoolId, tokenUse: "access", clientId: RT_AUTH_AUDIENCE }, { jwksCache })
    : JwtVerifier.create(
        { issuer: RT_AUTH_ISSUER, audience: RT_AUTH_AUDIENCE, jwksUri: RT_AUTH_JWKS_URI },
        { jwksCache },
      );
}

/** Errors that say nothing about the token: it may prove valid once the issuer answers. */
const keysUnavailable = [FetchError, JwksNotAvailableInCacheError, WaitPeriodNotYetEndedJwkError];

function translate(error: unknown): ChannelError {
  if (error instanceof JwtExpiredError) {
    return new ChannelError("token_expired", "the token has expired", { cause: error });
  }
  if (keysUnavailable.some((type) => error instanceof type)) {
    return new ChannelError("unavailable", "could not fetch the issuer's signing keys; retry", { cause: error });
  }
  return new ChannelError("token_invalid", "invalid token", { cause: error });
}

/** Creates the verification of tokens of one issuer. The issuer's signing keys are fetched on first use and cached. */
export function createTokenVerifier(config: AuthConfig): VerifyToken {
  const verifier = createVerifier(config);
  return async (token) => {
    if (token.length > MAXIMUM_TOKEN_LENGTH) {
      throw new ChannelError("token_invalid", `the token is longer than ${MAXIMUM_TOKEN_LENGTH} characters`);
    }
    const payload: unknown = await verifier.verify(token).catch((error: unknown) => {
      throw translate(error);
    });
    const parsed = claims.safeParse(payload);
    if (!parsed.success) throw new ChannelError("token_invalid", `the token's claims: ${describeIssue(parsed.error)}`);
    const { sub, exp, jti } = parsed.data;
    return { sub, expiresAt: exp * 1_000, jti };
  };
}
