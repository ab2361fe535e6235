import * as z from "zod";
import { type Domain, domainNames, domains } from "../contract/domain-events.ts";
import { messageOf } from "../kernel/as-error.ts";
import { STALE_LOG_MESSAGE } from "../kernel/streams/stale-log.ts";
import { eventOf } from "../publisher/retries.ts";
import { Balancer } from "./balancer.ts";
import { createDevelopmentRoutes } from "./development-routes.ts";
import { EventBus } from "./event-bus.ts";
import { type FailureRecord, startFailureQueue } from "./failure-queue.ts";
import { GatewayFleet } from "./gateway-fleet.ts";
import { createIssuer, type Issuer } from "./issuer.ts";
import { Lambdas, toFailureRecord } from "./lambdas.ts";
import { startManagedEdge } from "./managed-edge/managed-edge.ts";
import { OrderDesk } from "./order-desk.ts";
import { buildPage, createPageServer } from "./page.ts";
import { startRedis } from "./redis.ts";
import { EventSource } from "./simulator/event-source.ts";
import { startFeed } from "./simulator/feed.ts";
import { Simulation } from "./simulator/simulation.ts";
import { openTraceCollector } from "./trace-collector.ts";

export interface PlatformOptions {
  /** The one port that everything is served on; 0 for a free one. */
  readonly port: number;
  /** The port of the managed edge; 0 for a free one. */
  readonly edgePort: number;
  readonly gateways: number;
  /** Simulated events a second; 0 for none. */
  readonly eventsPerSecond: number;
  readonly seed: number;
  /** Allows clients to use long polling. */
  readonly hasPolling: boolean;
  /** Called with each part that is ready, in order. */
  readonly onProgress: (what: string) => void;
  /** Called with each notice that a person should know of while it runs. */
  readonly onNotice: (text: string) => void;
}

/** All of the system on this machine. */
export interface LocalPlatform {
  readonly port: number;
  readonly edgePort: number;
  readonly issuer: Issuer;
  readonly fleet: GatewayFleet;
  readonly balancer: Balancer;
  readonly redisUrl: string;
  /** Ends everything that was started. */
  stop(): Promise<void>;
}

/** Short, so that what a gateway does in minutes can be watched. */
const GATEWAY_ENVIRONMENT = { RT_LOG_LEVEL: "warn", RT_HEARTBEAT_MS: "5000", RT_DRAIN_SECONDS: "2" };

/** More than in production: there is always a recent trace to look at. */
const TRACED_SHARE = "0.05";

/** Started parts, to be stopped in the opposite order. */
class Started {
  readonly #ends: (() => unknown)[] = [];
  #isStopping = false;

  /** True once stopping has begun: a process that ends then is no failure. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  add(end: () => unknown): void {
    this.#ends.push(end);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const end of this.#ends.splice(0).reverse()) await end();
  }
}

interface Context {
  readonly options: PlatformOptions;
  readonly started: Started;
  /** Tells of what happens unless it is meant to end. */
  readonly onNotice: (text: string) => void;
}

const sourceSchema = z.object({ source: z.string() });

/** Returns the domain of an event, by its source. */
function domainOf(event: unknown): Domain | undefined {
  const parsed = sourceSchema.safeParse(event);
  return domainNames.find((name) => domains[name].some(({ source }) => source === parsed.data?.source));
}

/** The event bus, with the publishers' Lambdas and their failure queue behind it. */
async function startBus({ started, onNotice }: Context, environment: Readonly<Record<string, string>>) {
  const onRecord = ({ requestContext, requestPayload: event, responsePayload }: FailureRecord): void => {
    const { errorType, errorMessage } = responsePayload;
    const attempts = requestContext.approximateInvokeCount;
    lambdas.keepFailure({ domain: domainOf(event), error: `${errorType}: ${errorMessage}`, event, attempts });
  };
  const queue = await startFailureQueue(
    onRecord,
    (body) => void lambdas.retry(body, domainOf(eventOf(body)) ?? "market-data"),
  );
  started.add(() => queue.stop());
  const lambdas = new Lambdas({
    environment: { ...environment, ...queue.environment, POWERTOOLS_LOG_LEVEL: "WARN" },
    onFailure: ({ domain, error, attempts }) =>
      onNotice(`${domain}: event moved to the failure queue, attempt ${attempts}: ${error}`),
    onExhausted: (failure) => queue.keep(JSON.stringify(toFailureRecord(failure))),
    onLog: (line) => {
      if (!isRoutine(line)) onNotice(`lambda: ${line}`);
    },
  });
  started.add(() => lambdas.stop());
  const bus = new EventBus({
    onEvent: (domain, event) => void lambdas.invokeAsynchronously(domain, event),
    onUnmatched: (source, detailType) => onNotice(`no rule takes the event ${source} / ${detailType}`),
  });
  return { bus, failures: lambdas.failures, failureQueueUrl: queue.environment.RT_FAILURE_QUEUE_URL };
}

/**
 * Lines that need nobody's attention here: metrics, which CloudWatch reads from the log, and prices that the bus brought in
 * another order than the market made them.
 */
const isRoutine = (line: string): boolean => line.startsWith('{"_aws"') || line.includes(STALE_LOG_MESSAGE);

/** The simulated market and the desk for orders by hand; `run` lets the market move. */
function createMarket({ options, started, onNotice }: Context, port: number) {
  const simulation = new Simulation(options.seed);
  const source = new EventSource(`http://127.0.0.1:${port}/dev/aws`);
  const onError = (error: unknown): void => onNotice(`simulator: ${messageOf(error)}`);
  const orderDesk = new OrderDesk({ simulation, source, onError });
  started.add(() => source.close());
  started.add(() => orderDesk.stop());
  const run = (): void => {
    if (options.eventsPerSecond === 0) return;
    const feed = startFeed({ simulation, source, eventsPerSecond: options.eventsPerSecond, onError });
    started.add(feed.stop);
    options.onProgress(`market simulator, about ${options.eventsPerSecond} events a second`);
  };
  return { orderDesk, run };
}

/** Builds the page meanwhile: what else there is does not wait for it. */
function startPage({ options, started, onNotice }: Context) {
  const building = new AbortController();
  started.add(() => building.abort());
  const page = buildPage(building.signal);
  page.then(
    () => options.onProgress("page"),
    (error: Error) => onNotice(`the page cannot be built: ${error.message}`),
  );
  return createPageServer(page);
}

async function start(context: Context): Promise<LocalPlatform> {
  const { options, started, onNotice } = context;
  const { onProgress, hasPolling } = options;
  const redis = await startRedis();
  started.add(() => redis.stop());
  redis.process.once("exit", () => onNotice("Redis has ended"));
  onProgress(`Redis on port ${redis.port}`);

  const issuer = await createIssuer();
  const collector = await openTraceCollector();
  started.add(() => collector.close());
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER_ARG: TRACED_SHARE };
  const environment = { ...issuer.env, ...tracing, RT_REDIS_URL: redis.url };
  const edge = await startManagedEdge({ port: options.edgePort, environment, onNotice });
  started.add(() => edge.stop());
  onProgress(`managed edge on port ${edge.port}`);

  const { bus, failures, failureQueueUrl } = await startBus(context, {
    ...edge.publisherEnvironment,
    ...tracing,
    RT_REDIS_URL: redis.url,
  });
  const servePage = startPage(context);
  const balancer: Balancer = new Balancer({
    isSticky: hasPolling,
    serve: (request, response) => serveDevelopment(request, response) || servePage(request, response),
  });
  const port = await balancer.listen(options.port);
  started.add(() => balancer.close());
  const market = createMarket(context, port);
  const transports = hasPolling ? "websocket,polling" : "websocket";
  const fleet = new GatewayFleet({
    environment: { ...environment, ...GATEWAY_ENVIRONMENT, RT_TRANSPORTS: transports },
    balancer,
    onNotice,
  });
  started.add(() => fleet.stop());
  // Before anything else is awaited: the balancer listens already.
  const serveDevelopment = createDevelopmentRoutes({
    ...{ issuer, bus, failures, balancer, fleet, orderDesk: market.orderDesk },
    isReady: () => balancer.healthyTargets.length > 0,
    describeSystem: () => ({
      environment,
      gatewayUrls: fleet.gateways.map(({ url }) => url),
      managedEdgeUrl: `ws://127.0.0.1:${edge.port}/local`,
      failureQueueUrl,
    }),
    managedEdgePort: edge.port,
  });
  onProgress(`balancer, event bus and six Lambdas on port ${port}`);

  await fleet.start(options.gateways);
  onProgress(`gateways ${fleet.gateways.map(({ url }) => url).join(" and ")}`);
  onProgress(`their metrics ${fleet.gateways.map(({ metricsUrl }) => metricsUrl).join(" and ")}`);
  market.run();
  return { port, edgePort: edge.port, issuer, fleet, balancer, redisUrl: redis.url, stop: () => started.stop() };
}

/**
 * Starts Redis, the managed edge, the Lambdas behind an event bus, the gateways behind a balancer, and the market simulator.
 *
 * @throws Error where one cannot start; what had started is ended again.
 */
export async function startPlatform(options: PlatformOptions): Promise<LocalPlatform> {
  const started = new Started();
  const onNotice = (text: string): void => {
    if (!started.isStopping) options.onNotice(text);
  };
  try {
    return await start({ options, started, onNotice });
  } catch (error) {
    await started.stop();
    throw error;
  }
}
