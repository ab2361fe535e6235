import * as z from "zod";
import { authEnvironment, flag, publishingEnvironment, redisEnvironment } from "../kernel/env.ts";
import { redisSecretEnvironment } from "../kernel/redis/redis-secret.ts";
import { tracingEnvironment } from "../kernel/tracing/open-tracer.ts";

const count = (fallback: number, maximum: number) => z.coerce.number().int().min(1).max(maximum).default(fallback);

const list = (text: string): string[] => text.split(",").map((item) => item.trim());

/** The gateway's environment variables and their defaults. */
export const gatewayEnvironment = z.object({
  ...redisEnvironment.shape,
  ...redisSecretEnvironment.shape,
  ...authEnvironment.shape,
  ...publishingEnvironment.shape,
  RT_PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  /** The port of `/metrics`, which no load balancer forwards to. Without it the metrics are not served. */
  RT_METRICS_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  /** Origins that browsers may connect from, separated by commas; `*` for any. The token is what authenticates. */
  RT_CORS_ORIGINS: z.string().min(1).default("*").transform(list),
  /** `websocket`, or `websocket,polling`. Polling needs sticky sessions at the balancer. */
  RT_TRANSPORTS: z
    .string()
    .default("websocket")
    .transform(list)
    .pipe(z.array(z.enum(["websocket", "polling"])).min(1)),
  RT_LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
  /** Maximum connections: a gateway that has them refuses more and reports not ready. */
  RT_MAX_CONNECTIONS: count(10_000, 60_000),
  /** Maximum subscriptions (streams or whole channels) of one connection. */
  RT_MAX_SUBSCRIPTIONS: count(1_000, 10_000),
  /** Largest message that a client may send, in bytes. A larger one ends its connection. */
  RT_MAX_PAYLOAD_BYTES: count(1_000_000, 10_000_000),
  /** Longest time, in ms, for which a busy node collects messages before it writes them; 0 writes at once. */
  RT_FAN_OUT_WINDOW_MS: z.coerce.number().min(0).max(100).default(10),
  /**
   * Whole values a second and stream that subscribers of a `state` channel get at most, unless they ask for changes, as
   * the SDK does.
   */
  RT_WHOLE_VALUE_RATE: count(4, 50),
  /**
   * True to write messages to the sockets directly, if a self-test at start succeeds; false to write through Socket.IO,
   * which needs more CPU per delivery.
   */
  RT_DIRECT_WRITES: flag.default(true),
  /**
   * True to compress messages, once for all receivers, where that pays; see docs/fan-out.md. Takes effect with direct
   * writes only.
   */
  RT_COMPRESSION: flag.default(true),
  /** Most memory, in bytes over all rooms, for sent messages that later ones are compressed against. */
  RT_COMPRESSION_MEMORY_BYTES: z.coerce.number().int().min(0).max(1_000_000_000).default(33_554_432),
  /**
   * Send buffer limit of one connection, in bytes. A slow consumer that exceeds it, after `latest` values were skipped,
   * is closed.
   */
  RT_MAX_WAITING_BYTES: z.coerce.number().int().min(250_000).max(100_000_000).default(1_000_000),
  /** Seconds over which a drain closes the connections; ECS kills a task 120 s after SIGTERM at the latest. */
  RT_DRAIN_SECONDS: z.coerce.number().min(0).max(110).default(60),
  /** Milliseconds between heartbeats, and between the checks of every quiet stream against Redis. */
  RT_HEARTBEAT_MS: count(5_000, 300_000),
  /** True to write metrics for CloudWatch to the log (embedded metric format). */
  RT_EMF: flag.default(false),
  /** Milliseconds between two lines of these metrics. CloudWatch keeps one value a minute. */
  RT_EMF_INTERVAL_MS: count(30_000, 60_000),
  /** The environment's name, a dimension of these metrics: two environments may share an account. */
  RT_ENVIRONMENT: z.string().min(1).default("local"),
  /** Handshakes a second that clients may make on this gateway when all of another one return to it. */
  RT_HANDSHAKES_PER_SECOND: count(2_000, 100_000),
  /** The load balancer's target group: the drain starts when this task's target is `draining`. None: at SIGTERM. */
  RT_TARGET_GROUP_ARN: z
    .string()
    .regex(/^arn:[^:]+:elasticloadbalancing:[^:]+:\d+:targetgroup\/.+$/, "must be the ARN of a target group")
    .optional(),
  /** Set by ECS: the address of the container metadata, which has the address of the task. */
  ECS_CONTAINER_METADATA_URI_V4: z.url().optional(),
  ...tracingEnvironment.shape,
});

export type GatewayConfig = z.infer<typeof gatewayEnvironment>;
