import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import type { Redis } from "ioredis";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { createEdgeQueue } from "../../kernel/managed-edge/edge-queue.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { createPublisher, type Publisher } from "../../kernel/streams/publisher.ts";
import { createIssuer, type Issuer } from "../../local/issuer.ts";
import { LambdaProcess } from "../../local/lambda-process.ts";
import { localCredentials, startDynamo } from "../../local/managed-edge/dynamo.ts";
import { type EdgeFaults, noFaults } from "../../local/managed-edge/edge-faults.ts";
import { type FifoQueue, startFifoQueue } from "../../local/managed-edge/fifo-queue.ts";
import { edgeHandlers } from "../../local/managed-edge/managed-edge.ts";
import {
  startWebSocketApi,
  type WebSocketApi,
  type WebSocketApiOptions,
} from "../../local/managed-edge/web-socket-api.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { connectEdgeClient, type EdgeClient, type EdgeClientOptions } from "./edge-client.ts";

export interface EdgeOptions extends Pick<WebSocketApiOptions, "idleMs" | "lifetimeMs"> {
  readonly maximumConcurrency?: number;
  /** Runs the functions in a process of their own, which can be killed. @default false */
  readonly hasProcess?: boolean;
}

interface ConnectOptions extends EdgeClientOptions {
  /** Gets a token of this user. */
  readonly user?: string;
}

/** The managed edge with the functions' own handler files in this process, and what a test may break. */
export interface Edge {
  readonly redis: RunningRedis;
  /** A connection for looking and meddling. */
  readonly commands: Redis;
  readonly issuer: Issuer;
  readonly publisher: Publisher;
  readonly api: WebSocketApi;
  readonly queue: FifoQueue;
  /** Faults from now on. */
  readonly faults: EdgeFaults & {
    /** Delivers `$disconnect`. */
    hasDisconnect: boolean;
    /** Stands between the queue and the fan-out. */
    fanOut: (event: SQSEvent, run: (event: SQSEvent) => Promise<SQSBatchResponse>) => Promise<SQSBatchResponse>;
    /** Reported age of new connections, in ms. */
    initialAgeMs: number;
  };
  /** Ends the functions' process with SIGKILL, where it has one of its own; another one takes its place. */
  kill(): void;
  /** Every message that was handed to a client. */
  readonly posted: string[];
  /** Calls a handler directly. */
  invoke(handler: keyof typeof edgeHandlers, event: unknown): Promise<unknown>;
  /** Publishes and resolves with the ids. */
  publish(messages: readonly ChannelMessage[]): Promise<string[]>;
  connect(options?: ConnectOptions): Promise<EdgeClient>;
  stop(): Promise<void>;
}

export async function startEdge(options: EdgeOptions = {}): Promise<Edge> {
  const faults: Edge["faults"] = {
    ...noFaults(),
    hasDisconnect: true,
    fanOut: (event, run) => run(event),
    initialAgeMs: 0,
  };
  const [redis, dynamo, issuer] = await Promise.all([startRedis(), startDynamo(faults), createIssuer()]);
  const posted: string[] = [];
  const clients: EdgeClient[] = [];
  let lambdas: LambdaProcess | undefined;
  const kill = (): void => lambdas?.kill();
  const invoke: Edge["invoke"] = async (handler, event) => {
    if (lambdas) return lambdas.invoke(edgeHandlers[handler], event);
    const module = (await import(edgeHandlers[handler])) as { handler: (event: unknown) => Promise<unknown> };
    return module.handler(event);
  };
  const runFanOut = async (event: SQSEvent) => (await invoke("fanOut", event)) as SQSBatchResponse;
  const queue = await startFifoQueue({
    invoke: (event) => faults.fanOut(event, runFanOut),
    maximumConcurrency: options.maximumConcurrency ?? 10,
    visibilityTimeoutMs: 100,
    maximumReceives: 10,
    onFailure: () => undefined,
    faults,
  });
  const api = await startWebSocketApi({
    port: 0,
    idleMs: options.idleMs,
    lifetimeMs: options.lifetimeMs,
    functions: {
      authorizer: (event) => invoke("authorizer", event),
      connection: (event) => invoke("connection", event),
      messages: (event) => invoke("messages", event),
    },
    faults,
    kill,
    onPosted: (body) => posted.push(body),
    hasDisconnect: () => faults.hasDisconnect,
    initialAgeMs: () => faults.initialAgeMs,
  });
  const environment = {
    ...localCredentials,
    ...issuer.env,
    ...dynamo.environment,
    ...queue.environment,
    RT_REDIS_URL: redis.url,
    RT_EDGE_MANAGEMENT_URL: api.managementUrl,
    POWERTOOLS_LOG_LEVEL: "SILENT",
  };
  // The handlers read it when they are first invoked.
  Object.assign(process.env, environment);
  if (options.hasProcess) lambdas = new LambdaProcess({ environment, onLog: () => undefined });
  const commands = connectPublisher(parseEnvironment(redisEnvironment, process.env), () => undefined) as Redis;
  const publisher = createPublisher(commands, { handOn: await createEdgeQueue(queue.environment.RT_EDGE_QUEUE_URL) });
  return {
    redis,
    commands,
    issuer,
    publisher,
    api,
    queue,
    faults,
    posted,
    kill,
    invoke,
    async publish(messages) {
      const outcomes = await publisher.publish(messages);
      return outcomes.map((outcome) => {
        if (outcome.status !== "published") throw new Error(`a message was not published: ${outcome.status}`);
        return outcome.id;
      });
    },
    async connect({ user, ...more } = {}) {
      const token = user === undefined ? more.token : await issuer.sign({ sub: user });
      const client = await connectEdgeClient(api.url, { ...more, token });
      clients.push(client);
      return client;
    },
    async stop() {
      for (const client of clients) client.socket.terminate();
      await api.stop();
      await lambdas?.stop();
      queue.stop();
      dynamo.stop();
      commands.disconnect();
      await redis.stop();
    },
  };
}
