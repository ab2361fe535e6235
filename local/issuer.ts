import { randomUUID } from "node:crypto";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

const ISSUER = "https://issuer.vezta.test";
const AUDIENCE = "vezta";
const ALGORITHM = "RS256";

export interface TokenRequest {
  readonly sub: string;
  /** Life in seconds, from now; a negative one makes an expired token. Default 3,600. */
  readonly expiresInSeconds?: number | undefined;
  /** Added to the claims, or in their place; `undefined` takes one away. */
  readonly claims?: JWTPayload;
}

/** Stands in for the issuer of a real installation: its tokens are real JWTs, its key lives as long as the process. */
export interface Issuer {
  /** Variables that make a gateway accept the tokens. */
  readonly env: {
    readonly RT_AUTH_ISSUER: string;
    readonly RT_AUTH_AUDIENCE: string;
    readonly RT_AUTH_JWKS: string;
  };
  /** A signed JWT. */
  sign(request: TokenRequest): Promise<string>;
}

/** Makes an issuer with a key of its own. */
export async function createIssuer(): Promise<Issuer> {
  const { privateKey, publicKey } = await generateKeyPair(ALGORITHM);
  const kid = randomUUID();
  const key = { ...(await exportJWK(publicKey)), kid, alg: ALGORITHM, use: "sig" };
  return {
    env: {
      RT_AUTH_ISSUER: ISSUER,
      RT_AUTH_AUDIENCE: AUDIENCE,
      RT_AUTH_JWKS: JSON.stringify({ keys: [key] }),
    },
    sign({ sub, expiresInSeconds = 3_600, claims = {} }) {
      const now = Math.floor(Date.now() / 1_000);
      const own = { sub, iss: ISSUER, aud: AUDIENCE, iat: now, exp: now + expiresInSeconds, jti: randomUUID() };
      return new SignJWT({ ...own, ...claims }).setProtectedHeader({ alg: ALGORITHM, kid }).sign(privateKey);
    },
  };
}
