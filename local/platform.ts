import { Balancer } from "./balancer.ts";
import { createDevelopmentRoutes } from "./development-routes.ts";
import { EventBus } from "./event-bus.ts";
import { type GatewayProcess, startGateway } from "./gateway.ts";
import { createIssuer, type Issuer } from "./issuer.ts";
import { Lambdas } from "./lambdas.ts";
import { startManagedEdge } from "./managed-edge/managed-edge.ts";
import { startRedis } from "./redis.ts";
import { startFeed } from "./simulator/feed.ts";

export interface PlatformOptions {
  /** The one port that everything is served on; 0 for a free one. */
  readonly port: number;
  /** The port of the managed edge; 0 for a free one. */
  readonly edgePort: number;
  readonly gateways: number;
  /** Simulated events a second; 0 for none. */
  readonly eventsPerSecond: number;
  readonly seed: number;
  /** Whether clients may use long polling. */
  readonly hasPolling: boolean;
  /** Hears what is ready, in order. */
  readonly onProgress: (what: string) => void;
  /** Hears what a person should know of while it runs. */
  readonly onNotice: (text: string) => void;
}

/** All of the system on this machine. */
export interface LocalPlatform {
  readonly port: number;
  readonly edgePort: number;
  readonly issuer: Issuer;
  readonly gateways: readonly GatewayProcess[];
  /** Ends everything that was started. */
  stop(): Promise<void>;
}

/** What has been started, to be ended in the opposite order. */
class Started {
  readonly #ends: (() => unknown)[] = [];
  #isStopping = false;

  /** Whether an end that somebody notices is meant. */
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

async function start(options: PlatformOptions, started: Started): Promise<LocalPlatform> {
  const { onProgress } = options;
  const onNotice = (text: string): void => {
    if (!started.isStopping) options.onNotice(text);
  };
  const redis = await startRedis();
  started.add(() => redis.stop());
  redis.process.once("exit", () => onNotice("Redis has ended"));
  onProgress(`Redis on port ${redis.port}`);

  const issuer = await createIssuer();
  const edge = await startManagedEdge({
    port: options.edgePort,
    environment: { ...issuer.env, RT_REDIS_URL: redis.url },
    onNotice,
  });
  started.add(() => edge.stop());
  onProgress(`managed edge on port ${edge.port}`);

  const lambdas = new Lambdas({
    environment: { ...edge.publisherEnvironment, RT_REDIS_URL: redis.url, POWERTOOLS_LOG_LEVEL: "WARN" },
    onFailure: ({ domain, error }) => onNotice(`${domain}: event given up after three attempts: ${error}`),
    onLog: (line) => onNotice(`lambda: ${line}`),
  });
  started.add(() => lambdas.stop());
  const bus = new EventBus({
    onEvent: (domain, event) => void lambdas.invokeAsynchronously(domain, event),
    onUnmatched: (source, detailType) => onNotice(`no rule takes the event ${source} / ${detailType}`),
  });
  const balancer: Balancer = new Balancer({
    isSticky: options.hasPolling,
    serve: createDevelopmentRoutes({
      issuer,
      bus,
      failures: lambdas.failures,
      isReady: () => balancer.healthyTargets.length > 0,
    }),
  });
  const port = await balancer.listen(options.port);
  started.add(() => balancer.close());
  onProgress(`balancer, event bus and six Lambdas on port ${port}`);

  const environment = {
    ...issuer.env,
    RT_REDIS_URL: redis.url,
    RT_LOG_LEVEL: "warn",
    RT_HEARTBEAT_MS: "5000",
    RT_TRANSPORTS: options.hasPolling ? "websocket,polling" : "websocket",
  };
  const starting = Array.from({ length: options.gateways }, () => startGateway(environment));
  for (const gateway of starting) gateway.then(({ stop }) => started.add(stop)).catch(() => undefined);
  const gateways = await Promise.all(starting);
  for (const { url, process: child } of gateways) {
    await balancer.addTarget(url);
    child.once("exit", () => {
      balancer.removeTarget(url);
      onNotice(`the gateway at ${url} has ended`);
    });
  }
  onProgress(`gateways ${gateways.map(({ url }) => url).join(" and ")}`);

  if (options.eventsPerSecond > 0) {
    const endpoint = `http://127.0.0.1:${port}/dev/aws`;
    const onError = (error: Error): void => onNotice(`simulator: ${error.message}`);
    const feed = startFeed({ endpoint, eventsPerSecond: options.eventsPerSecond, seed: options.seed, onError });
    started.add(feed.stop);
    onProgress(`market simulator, about ${options.eventsPerSecond} events a second`);
  }
  return { port, edgePort: edge.port, issuer, gateways, stop: () => started.stop() };
}

/**
 * Starts Redis, the managed edge, the Lambdas behind an event bus, the gateways behind a balancer, and the market simulator.
 *
 * @throws Error where one cannot start; what had started is ended again.
 */
export async function startPlatform(options: PlatformOptions): Promise<LocalPlatform> {
  const started = new Started();
  try {
    return await start(options, started);
  } catch (error) {
    await started.stop();
    throw error;
  }
}
