import { setTimeout as delay } from "node:timers/promises";
import {
  deregistrationDelay,
  HEALTH_CHECK,
  HEALTH_CHECK_GRACE,
  STOP_TIMEOUT,
} from "../../infra/constructs/support/gateway-settings.ts";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { createPublisher } from "../../kernel/streams/publisher.ts";
import { createIssuer } from "../../local/issuer.ts";
import { openProbe, startRedis } from "../../local/redis.ts";
import { Feed } from "../feed.ts";
import type { Verdict } from "../judge.ts";
import { markets, named, users } from "../messages.ts";
import { type StreamTruth, Truth } from "../truth.ts";
import { until } from "../until.ts";
import { openAwsEndpoints } from "./aws-endpoints.ts";
import { ClientFleet } from "./client-fleet.ts";
import { type ClientKind, clientKinds } from "./client-process.ts";
import { type Deployment, EcsService, type ServiceEvent } from "./ecs-service.ts";
import { LoadBalancer } from "./load-balancer.ts";
import { percentile, type Reconnects, summarizeReconnects } from "./reconnects.ts";

const GATEWAYS = 2;
const SETTLE_TIMEOUT_MS = 120_000;
const TOKEN_SECONDS = 43_200;

/** Time of normal running before and after a deployment, in ms: longer than the waits after a cut. */
const CALM_MS = 5_000;

/** As in the template, but for the interval, which is shorter. */
const healthCheck = {
  path: HEALTH_CHECK.path,
  intervalMs: 1_000,
  timeoutMs: HEALTH_CHECK.timeout.toMilliseconds(),
  healthyThreshold: HEALTH_CHECK.healthyThresholdCount,
  unhealthyThreshold: HEALTH_CHECK.unhealthyThresholdCount,
};

export interface DeployDrillOptions {
  readonly clients: number;
  /** Messages a second over all streams. */
  readonly rate: number;
  readonly drainSeconds: number;
  /** False: the gateways may not read their target's health, and learn of their end by SIGTERM alone. */
  readonly isTold: boolean;
  /** Time for which failed health checks of a new task do not count, in ms. @default as in the template */
  readonly gracePeriodMs?: number;
  readonly onEvent?: (event: ServiceEvent) => void;
  readonly onProgress?: (text: string) => void;
  /** Called with the end of every part, as soon as it runs. */
  readonly onStarted: (end: () => Promise<void> | void) => void;
}

/** The longest time of each client without its channels, in ms. */
export interface DarkTimes {
  readonly p50: number;
  readonly p99: number;
  readonly maximum: number;
}

export interface DeployResult {
  readonly deployment: Deployment;
  readonly events: readonly ServiceEvent[];
  readonly published: number;
  readonly verdict: Verdict;
  readonly stranded: readonly string[];
  readonly darkMs: Readonly<Record<ClientKind, DarkTimes>>;
  /** One for each task that was replaced. */
  readonly reconnects: readonly Reconnects[];
  /** Calls of DescribeTargetHealth. */
  readonly healthCalls: number;
  /** The logs of the gateways, by task. */
  readonly logs: Readonly<Record<string, string>>;
}

const streams = [
  ...markets.map((key) => named({ channel: "market:trades", key })),
  ...users.map((key) => named({ channel: "user:orders", key })),
];

/** Starts Redis and what publishes to it. */
async function startFeed({ rate, onStarted }: DeployDrillOptions) {
  const redis = await startRedis();
  onStarted(() => redis.stop());
  const config = parseEnvironment(redisEnvironment, { RT_REDIS_URL: redis.url });
  const connections = [0, 1].map(() => connectPublisher(config, () => undefined));
  // The drill's own questions must not fail because the machine is busy.
  const own = openProbe(redis.port);
  onStarted(() => {
    for (const connection of [...connections, own]) connection.disconnect();
  });
  const publishers = connections.map((connection) => createPublisher(connection));
  const [, other] = publishers;
  if (!other) throw new Error("the feed needs two publishers");
  const feed = new Feed({ streams, rate, publishers, mutePublisher: other, countSubscribers: async () => 0 });
  onStarted(() => feed.abandon());
  return { redisUrl: redis.url, feed, truth: new Truth(own, streams) };
}

async function signTokens(issuer: Awaited<ReturnType<typeof createIssuer>>): Promise<Record<string, string>> {
  const signed = users.map(async (sub) => [sub, await issuer.sign({ sub, expiresInSeconds: TOKEN_SECONDS })] as const);
  return Object.fromEntries(await Promise.all(signed));
}

/** Splits the times of connections by the replacements: each one's begin with the deregistration of the old task. */
function splitByReplacement(events: readonly ServiceEvent[], times: readonly number[]): Reconnects[] {
  const starts = events.filter(({ what }) => what === "deregistering").map(({ at }) => at);
  return starts.map((start, index) => {
    const end = starts[index + 1] ?? Number.POSITIVE_INFINITY;
    return summarizeReconnects(times.filter((time) => start <= time && time < end));
  });
}

const summarizeDark = (times: readonly number[]): DarkTimes => ({
  p50: percentile(times, 0.5),
  p99: percentile(times, 0.99),
  maximum: Math.max(0, ...times),
});

/** What a drill runs on. */
export interface DeployWorld {
  readonly balancer: LoadBalancer;
  readonly service: EcsService;
  readonly clients: ClientFleet;
  readonly feed: Feed;
  readonly truth: Truth;
  readonly environment: Readonly<Record<string, string>>;
  readonly healthCalls: () => number;
}

/** Starts two gateways behind a load balancer and connects every client. */
export async function startDeployWorld(options: DeployDrillOptions): Promise<DeployWorld> {
  const { clients: count, drainSeconds, isTold, onStarted, onEvent, onProgress } = options;
  const { redisUrl, feed, truth } = await startFeed(options);
  const deregistrationDelayMs = deregistrationDelay(drainSeconds, GATEWAYS).toMilliseconds();
  const balancer = await LoadBalancer.open({ healthCheck, deregistrationDelayMs });
  onStarted(() => balancer.close());
  const aws = await openAwsEndpoints(balancer);
  onStarted(() => aws.close());
  if (!isTold) aws.fail("refused");
  const issuer = await createIssuer();
  const environment = {
    ...issuer.env,
    ...aws.environment,
    RT_REDIS_URL: redisUrl,
    RT_DRAIN_SECONDS: String(drainSeconds),
  };
  const service = new EcsService({
    balancer,
    gracePeriodMs: options.gracePeriodMs ?? HEALTH_CHECK_GRACE.toMilliseconds(),
    stopTimeoutMs: STOP_TIMEOUT.toMilliseconds(),
    ...(onEvent ? { onEvent } : {}),
  });
  onStarted(() => service.stop());
  await service.create(GATEWAYS, environment);
  const clients = new ClientFleet();
  onStarted(() => clients.stop());
  await clients.open({ url: `http://127.0.0.1:${balancer.port}`, count, tokens: await signTokens(issuer) });
  const world = { balancer, service, clients, feed, truth, environment, healthCalls: aws.calls };
  await untilSettled(world, count, onProgress);
  return world;
}

/** Resolves once every client has its channels. */
async function untilSettled(
  { clients }: Pick<DeployWorld, "clients">,
  count: number,
  onProgress?: DeployDrillOptions["onProgress"],
): Promise<void> {
  await until(`the settling of all ${count} clients`, SETTLE_TIMEOUT_MS, async () => {
    const settled = await clients.countSettled();
    onProgress?.(`${settled} of ${count} clients have their channels`);
    if (settled < count) await delay(200);
    return settled === count;
  });
}

/** Waits until every client has all that Redis holds, or for the time that stranded clients are given. */
async function readTruths({ feed, truth }: DeployWorld): Promise<ReadonlyMap<string, StreamTruth>> {
  await feed.stop();
  await delay(CALM_MS);
  return truth.read();
}

/** Replaces both gateways under load, with the settings of `overrides`, and judges what every client saw. */
export async function runDeployDrill(
  options: DeployDrillOptions,
  overrides: Readonly<Record<string, string>> = {},
): Promise<DeployResult> {
  const world = await startDeployWorld(options);
  const { balancer, service, clients, feed, environment } = world;
  await clients.reset();
  feed.start();
  await delay(CALM_MS);
  const before = balancer.accepted.length;
  const deployment = await service.deploy({ ...environment, ...overrides });
  await delay(CALM_MS);
  const reconnects = splitByReplacement(service.events, balancer.accepted.slice(before));
  await untilSettled(world, options.clients, options.onProgress).catch(() => undefined);
  const truths = await readTruths(world);
  const { verdict, darkMs, stranded } = await clients.report(truths);
  const dark = clientKinds.map((kind) => [kind, summarizeDark(darkMs[kind])] as const);
  return {
    ...{ deployment, events: service.events, published: feed.published, verdict, stranded, reconnects },
    darkMs: Object.fromEntries(dark) as Record<ClientKind, DarkTimes>,
    healthCalls: world.healthCalls(),
    logs: service.logs,
  };
}
