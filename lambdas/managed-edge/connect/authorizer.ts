import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from "aws-lambda";
import { ChannelError } from "../../../contract/errors.ts";
import { SUBPROTOCOL } from "../../../contract/managed-edge.ts";
import type { Identity, VerifyToken } from "../../../kernel/auth/token-verifier.ts";

type AuthorizerHandler = (event: APIGatewayRequestAuthorizerEvent) => Promise<APIGatewayAuthorizerResult>;

/** API Gateway answers 401 to this very text, and 500 to any other error. */
const UNAUTHORIZED = "Unauthorized";

/** The subprotocols that a client offers: {@link SUBPROTOCOL} and, beside it, the token. */
export function offeredProtocols(headers: Readonly<Record<string, string | undefined>> | null): string[] {
  const [, value = ""] =
    Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === "sec-websocket-protocol") ?? [];
  return value.split(",").flatMap((part) => part.trim() || []);
}

function tokenOf({ headers, queryStringParameters }: APIGatewayRequestAuthorizerEvent): string | undefined {
  const offered = offeredProtocols(headers);
  const token = offered.includes(SUBPROTOCOL) ? offered.find((part) => part !== SUBPROTOCOL) : undefined;
  return token ?? (queryStringParameters?.token || undefined);
}

const allow = (methodArn: string, identity: Identity | undefined): APIGatewayAuthorizerResult => ({
  principalId: identity?.sub ?? "anonymous",
  policyDocument: {
    Version: "2012-10-17",
    Statement: [{ Action: "execute-api:Invoke", Effect: "Allow", Resource: methodArn }],
  },
  // Without an entry for what is missing: a value of the context is always there, and text.
  context: identity ? { sub: identity.sub, expiresAt: String(identity.expiresAt) } : {},
});

/**
 * The authorizer of `$connect`: lets in who has a valid token, or none, and refuses a wrong or expired one with 401.
 * Never logs the token: API Gateway hands over headers and query string, so nothing of the event is logged.
 */
export function createAuthorizer(verifyToken: VerifyToken, onRefused: (code: string) => void): AuthorizerHandler {
  return async (event) => {
    const token = tokenOf(event);
    if (token === undefined) return allow(event.methodArn, undefined);
    try {
      return allow(event.methodArn, await verifyToken(token));
    } catch (error) {
      if (!(error instanceof ChannelError)) throw error;
      onRefused(error.code);
      // The client is to come back with the same token where the issuer's keys could not be fetched: 500, not 401.
      throw error.code === "unavailable" ? new Error(error.message) : new Error(UNAUTHORIZED);
    }
  };
}
