/** The OIDC issuer of clients' tokens. */
export interface TokenIssuer {
  /** The issuer's URL, as in the tokens' `iss`. */
  readonly issuer: string;
  /** As in the tokens' `aud` (Cognito: the app client's id). */
  readonly audience: string;
  /**
   * The URL of the signing keys.
   *
   * @default - `<issuer>/.well-known/jwks.json`
   */
  readonly jwksUri?: string | undefined;
  /**
   * The signing keys (a JWKS as JSON), for an issuer that cannot be reached from the VPC.
   *
   * @default - the keys are fetched
   */
  readonly jwks?: string | undefined;
}
