/** The OIDC issuer whose tokens clients present. */
export interface TokenIssuer {
  /** Its URL, as in the tokens' `iss`. */
  readonly issuer: string;
  /** As in the tokens' `aud` (Cognito: the app client's id). */
  readonly audience: string;
  /** Where its signing keys are. @default `<issuer>/.well-known/jwks.json` */
  readonly jwksUri?: string | undefined;
  /** The signing keys themselves, as JSON, for an issuer that no one can reach. */
  readonly jwks?: string | undefined;
}
