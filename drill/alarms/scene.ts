import { setTimeout as delay } from "node:timers/promises";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { createPublisher, type Publisher } from "../../kernel/streams/publisher.ts";
import { hasEnded, onLines } from "../../local/child-process.ts";
import { startFailureQueue } from "../../local/failure-queue.ts";
import { type GatewayProcess, launchGateway } from "../../local/gateway.ts";
import { createIssuer, type Issuer } from "../../local/issuer.ts";
import { LambdaProcess } from "../../local/lambda-process.ts";
import { localCredentials } from "../../local/managed-edge/dynamo.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { until } from "../until.ts";
import type { AlarmDefinition, AlarmMetric } from "./alarm-definitions.ts";
import { HealthChecks } from "./health-checks.ts";
import { Recorder } from "./recorder.ts";
import { Watcher } from "./watcher.ts";

const START_TIMEOUT_MS = 120_000;

/** In prod a gateway writes its metrics twice a minute, and the load balancer checks a target four times. */
const REPORTS_PER_MINUTE = 2;
const CHECKS_PER_MINUTE = 4;

/** Resolves once a gateway answers, healthy or not: how long a process takes to start here is not scaled. */
async function untilListening({ url, process: child, log }: GatewayProcess): Promise<void> {
  await until(`${url} listening`, START_TIMEOUT_MS, () => {
    if (hasEnded(child)) throw new Error(`a gateway ended while it started:\n${log()}`);
    return fetch(`${url}/healthz`).then(
      () => true,
      () => false,
    );
  });
}

/** Redis, two gateways behind health checks, publishers and clients, all real, and the record of their metrics. */
export interface Scene {
  readonly minuteMs: number;
  readonly redis: RunningRedis;
  readonly publisher: Publisher;
  readonly issuer: Issuer;
  readonly recorder: Recorder;
  readonly checks: HealthChecks;
  readonly watcher: Watcher;
  /** The publishers' functions. */
  readonly lambdas: LambdaProcess;
  /** The gateways behind the load balancer. */
  readonly gateways: GatewayProcess[];
  /** Environment that all processes share. */
  readonly environment: Readonly<Record<string, string>>;
  /** Starts a gateway more, with changes to its environment (undefined removes); it is registered once it answers, ready or not. */
  addGateway(environment?: Readonly<Record<string, string | undefined>>): Promise<GatewayProcess>;
  /** The metric of the alarm with a section of the runbook, and, if given, a metric name or part of a logical id. */
  metricOf(section: string, part?: string): AlarmMetric;
  /** Calls `measure` regularly for a metric of AWS that something here stands in for, until the scene ends. */
  measure(metric: AlarmMetric, measure: () => number | undefined): void;
  /** Says that the fault begins now, after what it needed first. */
  markBegin(): void;
  /** The minute of the record in which the fault began. */
  readonly begunAt: number;
  stop(): Promise<void>;
}

interface SceneOptions {
  readonly definitions: readonly AlarmDefinition[];
  /** The ms of this machine that stand for a minute. */
  readonly minuteMs: number;
}

function findMetric(definitions: readonly AlarmDefinition[], section: string, part = ""): AlarmMetric {
  const found = definitions.find((each) => each.section === section && each.logicalId.includes(part));
  if (!found) throw new Error(`the templates have no alarm ${part} with the section ${section}`);
  return found.metric;
}

const definedOnly = (environment: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );

/** Collects what has to be ended, and ends it in the opposite order. */
class Endings {
  readonly #endings: (() => unknown)[] = [];

  add(end: () => unknown): void {
    this.#endings.unshift(end);
  }

  async run(): Promise<void> {
    for (const end of this.#endings) await end();
  }
}

async function startFunctions(redisUrl: string, metricOf: Scene["metricOf"], recorder: Recorder) {
  let failed = 0;
  const queue = await startFailureQueue(() => {
    failed += 1;
  });
  const lambdas = new LambdaProcess({
    environment: {
      ...localCredentials,
      ...queue.environment,
      RT_REDIS_URL: redisUrl,
      // One process runs all handlers here; the alarm that is tried on it is that of market data.
      AWS_LAMBDA_FUNCTION_NAME: metricOf("frozen-streams", "marketdata").dimensions.FunctionName ?? "",
      POWERTOOLS_LOG_LEVEL: "ERROR",
    },
    onLog: (line) => recorder.addLine(line),
  });
  return { lambdas, queue, countFailed: () => failed };
}

/** Starts everything, and resolves once both gateways are healthy. */
export async function startScene({ definitions, minuteMs }: SceneOptions): Promise<Scene> {
  const endings = new Endings();
  const recorder = new Recorder(minuteMs);
  const metricOf: Scene["metricOf"] = (section, part) => findMetric(definitions, section, part);
  const measure: Scene["measure"] = (metric, read) => {
    const timer = setInterval(() => {
      const value = read();
      if (value !== undefined) recorder.add(metric, value);
    }, minuteMs / REPORTS_PER_MINUTE);
    endings.add(() => clearInterval(timer));
  };
  const redis = await startRedis();
  endings.add(() => redis.stop());
  const issuer = await createIssuer();
  const environment = { ...issuer.env, RT_REDIS_URL: redis.url };
  const connection = connectPublisher(parseEnvironment(redisEnvironment, environment), () => undefined);
  endings.add(() => connection.disconnect());
  const publisher = createPublisher(connection);
  const { lambdas, queue, countFailed } = await startFunctions(redis.url, metricOf, recorder);
  endings.add(() => queue.stop());
  endings.add(() => lambdas.stop());
  const checks = new HealthChecks(minuteMs / CHECKS_PER_MINUTE);
  const gateways: GatewayProcess[] = [];
  const gatewayEnvironment = {
    ...environment,
    RT_EMF: "true",
    RT_EMF_INTERVAL_MS: String(minuteMs / REPORTS_PER_MINUTE),
    RT_ENVIRONMENT: "prod",
    RT_LOG_LEVEL: "error",
    RT_DRAIN_SECONDS: "2",
    // What a slow consumer is must not depend on how well messages compress.
    RT_COMPRESSION: "false",
    RT_MAX_WAITING_BYTES: "250000",
  };
  const addGateway: Scene["addGateway"] = async (more = {}) => {
    const gateway = await launchGateway(definedOnly({ ...gatewayEnvironment, ...more }));
    endings.add(() => {
      gateway.process.kill("SIGCONT");
      return gateway.stop("SIGKILL");
    });
    onLines(gateway.process, (line) => recorder.addLine(line));
    await untilListening(gateway);
    checks.register(gateway);
    gateways.push(gateway);
    return gateway;
  };
  for (const gateway of [await addGateway(), await addGateway()]) {
    await until(`${gateway.url} healthy`, START_TIMEOUT_MS, () => checks.count("healthy") > gateways.indexOf(gateway));
  }
  const watcher = new Watcher(publisher, minuteMs / CHECKS_PER_MINUTE);
  endings.add(() => watcher.close());
  for (const { url } of gateways) watcher.connect(url);
  // Reported by the load balancer while there are targets.
  const hosts = (state: "healthy" | "unhealthy") => () => (checks.size > 0 ? checks.count(state) : undefined);
  measure(metricOf("no-healthy-task"), hosts("healthy"));
  measure(metricOf("unhealthy-task"), hosts("unhealthy"));
  measure(metricOf("events-failed", "orders"), countFailed);
  await delay(minuteMs);
  let begunAt = 0;
  return {
    ...{ minuteMs, redis, publisher, issuer, recorder, checks, watcher, lambdas, gateways, environment },
    ...{ addGateway, metricOf, measure },
    markBegin() {
      begunAt = recorder.minute;
      watcher.restart();
    },
    get begunAt() {
      return begunAt;
    },
    stop: () => endings.run(),
  };
}
