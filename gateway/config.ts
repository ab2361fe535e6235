import * as z from "zod";
import { authEnvironment, flag, publishingEnvironment, redisEnvironment } from "../kernel/env.ts";

const count = (fallback: number, maximum: number) => z.coerce.number().int().min(1).max(maximum).default(fallback);

const list = (text: string): string[] => text.split(",").map((item) => item.trim());

/** Everything that the gateway takes from its environment, with the defaults it runs on. */
export const gatewayEnvironment = z.object({
  ...redisEnvironment.shape,
  ...authEnvironment.shape,
  ...publishingEnvironment.shape,
  RT_PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  /** Origins that browsers may connect from, separated by commas; `*` for any. The token is what authenticates. */
  RT_CORS_ORIGINS: z.string().min(1).default("*").transform(list),
  /** `websocket`, or `websocket,polling`. Polling needs sticky sessions at the balancer. */
  RT_TRANSPORTS: z
    .string()
    .default("websocket")
    .transform(list)
    .pipe(z.array(z.enum(["websocket", "polling"])).min(1)),
  RT_LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
  /** Connections after which the process takes no more and reports not ready. */
  RT_MAX_CONNECTIONS: count(10_000, 60_000),
  /** Subscriptions (streams or whole channels) that one connection may have. */
  RT_MAX_SUBSCRIPTIONS: count(1_000, 10_000),
  /** Largest message that a client may send, in bytes. Larger ones end its connection. */
  RT_MAX_PAYLOAD_BYTES: count(1_000_000, 10_000_000),
  /** Longest time, in ms, that messages gather on a busy node before they are written; 0 for none. */
  RT_FAN_OUT_WINDOW_MS: z.coerce.number().min(0).max(100).default(10),
  /** Whether messages are written past Socket.IO, which is tried at start; off for Socket.IO's own, slower way. */
  RT_DIRECT_WRITES: flag.default(true),
  /**
   * Whether messages for many are compressed, once for all: less to pay for traffic, some more CPU. Off until an
   * operator has compared the two; see docs/performance.md.
   */
  RT_COMPRESSION: flag.default(false),
  /** Most bytes that wait for one client. Above that `latest` has skipped already, and the connection is closed. */
  RT_MAX_WAITING_BYTES: z.coerce.number().int().min(250_000).max(100_000_000).default(1_000_000),
  /** Seconds over which a drain closes the connections; ECS stops a task at the latest 120 s after SIGTERM. */
  RT_DRAIN_SECONDS: z.coerce.number().min(0).max(110).default(60),
  /** Milliseconds between heartbeats, which are also the slow check of every quiet stream against Redis. */
  RT_HEARTBEAT_MS: count(5_000, 300_000),
  /** Whether metrics for CloudWatch go to the log (embedded metric format). */
  RT_EMF: flag.default(false),
  /** The environment's name, a dimension of those metrics: two environments may share an account. */
  RT_ENVIRONMENT: z.string().min(1).default("local"),
  /** Set by ECS: where the task learns that it is to stop. */
  ECS_CONTAINER_METADATA_URI_V4: z.url().optional(),
});

export type GatewayConfig = z.infer<typeof gatewayEnvironment>;
