import type { z } from "zod";
import type { authEnvironment, redisEnvironment } from "../../contract/server/env.ts";
import type { TokenIssuer } from "../auth-stack.ts";
import type { EnvironmentConfig } from "../config.ts";
import { GATEWAY_PORT } from "./gateway-settings.ts";
import type { RedisAccess } from "./redis-access.ts";

type Variables = Partial<
  Record<keyof z.infer<typeof redisEnvironment> | keyof z.infer<typeof authEnvironment>, string>
>;

const definedOnly = (values: Variables): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

/** What a gateway task is told in plain text. The Redis password comes from its secret. */
export function gatewayEnvironment(
  { name, gateway }: Pick<EnvironmentConfig, "name" | "gateway">,
  redis: RedisAccess,
  { issuer, audience, jwksUri, jwks }: TokenIssuer,
): Record<string, string> {
  const shared: Variables = {
    RT_REDIS_URL: redis.url,
    RT_REDIS_CLUSTER: "true",
    RT_REDIS_USERNAME: "gateway",
    RT_AUTH_ISSUER: issuer,
    RT_AUTH_AUDIENCE: audience,
    RT_AUTH_JWKS_URI: jwksUri,
    RT_AUTH_JWKS: jwks,
  };
  return {
    ...definedOnly(shared),
    RT_PORT: String(GATEWAY_PORT),
    RT_CORS_ORIGINS: gateway.corsOrigins.join(","),
    RT_TRANSPORTS: gateway.polling ? "websocket,polling" : "websocket",
    RT_LOG_LEVEL: gateway.logLevel,
    RT_MAX_CONNECTIONS: String(gateway.maxConnections),
    RT_DRAIN_SECONDS: String(gateway.drainSeconds),
    // Autoscaling follows the number of connections that tasks write to their log.
    RT_EMF: "true",
    RT_ENVIRONMENT: name,
  };
}
