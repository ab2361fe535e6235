import { authVariables, redisVariables } from "./environment.ts";
import { GATEWAY_PORT, handshakesPerSecond, METRICS_PORT } from "./gateway-settings.ts";
import type { RedisAccess } from "./redis-access.ts";
import type { TokenIssuer } from "./token-issuer.ts";

/** Settings of a gateway task. */
export interface GatewaySettings {
  /** Origins that browsers may connect from. */
  readonly corsOrigins: readonly string[];
  /** Accept long polling beside WebSockets. */
  readonly polling: boolean;
  readonly logLevel: string;
  /** The most connections of one task. */
  readonly maxConnections: number;
  /** Seconds over which a stopping task sends its clients elsewhere. */
  readonly drainSeconds: number;
  readonly fanOutWindowMs: number;
  /** The most whole values a second and stream of a `state` channel, to clients that do not ask for changes. */
  readonly wholeValueRate: number;
  /** Compress messages once for all clients that get the same ones, where that pays. */
  readonly compression: boolean;
}

export interface GatewayEnvironmentProps {
  readonly environmentName: string;
  readonly settings: GatewaySettings;
  /** The CPU units of a task. */
  readonly cpu: number;
  readonly maximumClockSkewMs: number;
  readonly redis: Pick<RedisAccess, "url" | "passwords">;
  readonly tokenIssuer: TokenIssuer;
}

/** Returns the variables of a gateway task. It reads the Redis password from its secret, at the start and later on. */
export function gatewayEnvironment(props: GatewayEnvironmentProps): Record<string, string> {
  const { environmentName, settings, cpu, maximumClockSkewMs, redis, tokenIssuer } = props;
  return {
    ...redisVariables(redis, "gateway"),
    RT_REDIS_SECRET_ARN: redis.passwords.gateway.secretArn,
    ...authVariables(tokenIssuer),
    RT_PORT: String(GATEWAY_PORT),
    RT_METRICS_PORT: String(METRICS_PORT),
    RT_CORS_ORIGINS: settings.corsOrigins.join(","),
    RT_TRANSPORTS: settings.polling ? "websocket,polling" : "websocket",
    RT_LOG_LEVEL: settings.logLevel,
    RT_MAX_CONNECTIONS: String(settings.maxConnections),
    RT_DRAIN_SECONDS: String(settings.drainSeconds),
    RT_HANDSHAKES_PER_SECOND: String(handshakesPerSecond(cpu)),
    RT_FAN_OUT_WINDOW_MS: String(settings.fanOutWindowMs),
    RT_WHOLE_VALUE_RATE: String(settings.wholeValueRate),
    RT_COMPRESSION: String(settings.compression),
    RT_MAXIMUM_CLOCK_SKEW_MS: String(maximumClockSkewMs),
    // Autoscaling follows the number of connections that tasks write to their log.
    RT_EMF: "true",
    RT_ENVIRONMENT: environmentName,
  };
}
