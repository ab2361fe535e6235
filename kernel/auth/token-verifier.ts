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
import { identifier } from "../../contract/payloads/primitives.ts";
import type { authEnvironment } from "../env.ts";

/** Whose tokens are valid; see {@link authEnvironment}. */
export type AuthConfig = z.infer<typeof authEnvironment>;

/** Who a connection belongs to, from a verified token. */
export interface Identity {
  readonly sub: string;
  /** In milliseconds since 1970. */
  readonly expiresAt: number;
  /** The token's own id, where it has one. */
  readonly jti?: string;
}

/**
 * Resolves with whose the token is.
 *
 * @throws ChannelError `token_expired` or `token_invalid`, with a message that never quotes the token, or
 *   `unavailable` where the issuer's keys cannot be fetched.
 */
export type VerifyToken = (token: string) => Promise<Identity>;

/** Longest life of a token, in seconds: what is revoked by expiry alone must not live for weeks. */
const MAXIMUM_LIFETIME_SECONDS = 86_400;

const COGNITO_ISSUER = /^https:\/\/cognito-idp\.[a-z0-9-]+\.amazonaws\.com\/([\w-]+)$/;

/**
 * Longest that the issuer may take to give its keys, in ms, each of two attempts: also one that accepts the connection
 * and stays silent. Both together are shorter than the 5 s in which a client must be through its handshake.
 */
const JWKS_TIMEOUT_MS = 2_000;

/** What aws-jwt-verify does not ask for: it takes tokens without `exp` and `sub`. */
const claims = z
  .object({ sub: identifier, exp: z.int(), iat: z.int(), jti: z.string().max(256).optional() })
  .refine(({ exp, iat }) => exp - iat <= MAXIMUM_LIFETIME_SECONDS, "lives longer than a day");

const fetchedKeys = (): JwksCache => {
  const defaultRequestOptions = { timeout: JWKS_TIMEOUT_MS, responseTimeout: JWKS_TIMEOUT_MS };
  return new SimpleJwksCache({ fetcher: new SimpleFetcher({ defaultRequestOptions }) });
};

/** Given keys are all that there are: a token by another one is not valid, and nobody is asked for it. */
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

/** Failures that say nothing of the token: the same token may be valid once the issuer answers. */
const keysUnavailable = [FetchError, JwksNotAvailableInCacheError, WaitPeriodNotYetEndedJwkError];

function translate(error: unknown): ChannelError {
  if (error instanceof JwtExpiredError) {
    return new ChannelError("token_expired", "the token has expired", { cause: error });
  }
  if (keysUnavailable.some((type) => error instanceof type)) {
    return new ChannelError("unavailable", "the issuer's keys cannot be fetched just now; try again", { cause: error });
  }
  return new ChannelError("token_invalid", "the token is not valid here", { cause: error });
}

/** Builds the check of tokens against one issuer. The issuer's keys are fetched on first use and kept. */
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
