/**
 * The constants of the model, each from a row of docs/performance.md: one core of the machine that it names, at 2.6 to 3
 * GHz. Another machine needs its own; `npm run bench` measures them.
 */
export const CPU = {
  /** Gateway, µs: one write to one connection (`singles`). */
  write: 7.7,
  /** Gateway, µs: one message of a write (`half-saturation`, where a write has some 19). */
  delivery: 0.03,
  /** Gateway, µs: one message from Redis, parsed, checked and kept, whoever gets it (`small-rooms`, `private`). */
  message: 50,
  /** Gateway, µs: a connection with its first subscription (`connect`). */
  connect: 273,
  /** Factor of the gateway's CPU where messages are compressed (`compression`: 0.511 over 0.466). */
  compression: 1.1,
  /** Redis, µs: a message published, whoever gets it. */
  publish: 62,
  /** Redis, µs: the same of a state channel, whose rows are kept beside the stream (99 less one gateway, for 70 of a trade). */
  publishState: 91,
  /** Redis, µs: a message to one gateway. */
  toGateway: 7.5,
} as const;

/** Seconds over which a busy gateway collects messages for one write (`singles-100`, `singles-500`). */
export const COLLECTED_SECONDS = 0.0175;

/** Share of its bytes that a compressed message has, to at least 17 clients of a room (docs/fan-out.md). */
export const COMPRESSED = { state: 0.25, other: 0.3 } as const;

/** Bytes of a message's frame beside its data: event, channel, ids. */
export const FRAME_BYTES = 110;

/** What a deployment is planned for. */
export const LIMITS = {
  /** CPU of a task at which autoscaling adds another. */
  taskCpu: 0.6,
  /** Connections of a task: 70 % of RT_MAX_CONNECTIONS, so that a deploy has room. */
  taskConnections: 7_000,
  /** CPU of a shard, which runs its commands one after the other. */
  shardCpu: 0.6,
  /** Most writes a second to one connection of the managed edge, which packs what comes faster. */
  postsPerConnection: 20,
} as const;

/** List prices of us-east-1, $ (docs/deploying.md). */
export const PRICES = {
  /** A task of 1 vCPU and 2 GB a month, ARM. */
  task: 28.9,
  /** A node cache.m7g.large a month; each shard has one replica. */
  redisNode: 92.5,
  /** A load balancer a month, and one of its units: 3,000 connections, 1 GB an hour. */
  loadBalancer: 16.4,
  loadBalancerUnit: 5.84,
  unitConnections: 3_000,
  unitBytesPerSecond: 1e9 / 3_600,
  /** Traffic to clients, a GB. */
  egressGb: 0.09,
  /** The managed edge: messages, and connection minutes, a million. */
  posts: 1,
  connectionMinutes: 0.25,
} as const;

export const SECONDS_A_MONTH = 2_628_000;
