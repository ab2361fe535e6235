import type { EnvironmentConfig } from "../../config/config.ts";
import { authVariables, redisVariables } from "./environment.ts";
import { GATEWAY_PORT } from "./gateway-settings.ts";
import type { RedisAccess } from "./redis-access.ts";
import type { TokenIssuer } from "./token-issuer.ts";

/** What a gateway task is told in plain text. The Redis password comes from its secret. */
export function gatewayEnvironment(
  { name, gateway, events }: Pick<EnvironmentConfig, "name" | "gateway" | "events">,
  redis: RedisAccess,
  tokenIssuer: TokenIssuer,
): Record<string, string> {
  return {
    ...redisVariables(redis, "gateway"),
    ...authVariables(tokenIssuer),
    RT_PORT: String(GATEWAY_PORT),
    RT_CORS_ORIGINS: gateway.corsOrigins.join(","),
    RT_TRANSPORTS: gateway.polling ? "websocket,polling" : "websocket",
    RT_LOG_LEVEL: gateway.logLevel,
    RT_MAX_CONNECTIONS: String(gateway.maxConnections),
    RT_DRAIN_SECONDS: String(gateway.drainSeconds),
    RT_FAN_OUT_WINDOW_MS: String(gateway.fanOutWindowMs),
    RT_COMPRESSION: String(gateway.compression),
    RT_MAXIMUM_CLOCK_SKEW_MS: String(events.maximumClockSkewMs),
    // Autoscaling follows the number of connections that tasks write to their log.
    RT_EMF: "true",
    RT_ENVIRONMENT: name,
  };
}
