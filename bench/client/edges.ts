import type { Edge } from "@vezta/realtime-client";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { createEdgeQueue } from "../../kernel/managed-edge/edge-queue.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { createPublisher, type Publisher } from "../../kernel/streams/publisher.ts";
import { startGateway } from "../../local/gateway.ts";
import { createIssuer, type Issuer } from "../../local/issuer.ts";
import { startManagedEdge } from "../../local/managed-edge/managed-edge.ts";
import { startRedis } from "../../local/redis.ts";

/** One edge with everything behind it, for a client to be measured on. */
export interface MeasuredEdge {
  readonly edge: Edge;
  readonly port: number;
  /** The URL for clients that come through this port. */
  readonly urlOn: (port: number) => string;
  readonly issuer: Issuer;
  readonly publisher: Publisher;
  /** Counts the edge's own complaints: on a small machine, mostly Redis or DynamoDB that answered late. */
  readonly complaints: () => number;
  stop(): Promise<void>;
}

const fail = (error: Error): void => console.error(error.message);

/**
 * Starts Redis, and a gateway or the managed edge on it.
 *
 * @param settings environment variables of the gateway that are not to have their defaults.
 */
export async function startEdge(edge: Edge, settings: Readonly<Record<string, string>> = {}): Promise<MeasuredEdge> {
  const redis = await startRedis();
  const issuer = await createIssuer();
  const environment = { ...issuer.env, RT_REDIS_URL: redis.url };
  const commands = connectPublisher(parseEnvironment(redisEnvironment, environment), fail);
  const stopAll = async (stop: () => Promise<unknown>): Promise<void> => {
    await stop();
    commands.disconnect();
    await redis.stop();
  };
  if (edge === "gateway") {
    const gateway = await startGateway({ ...environment, RT_LOG_LEVEL: "warn", RT_HEARTBEAT_MS: "5000", ...settings });
    return {
      ...{ edge, issuer, port: Number(new URL(gateway.url).port), publisher: createPublisher(commands) },
      complaints: () => gateway.log().split('"level":40').length - 1,
      urlOn: (port) => `http://127.0.0.1:${port}`,
      stop: () => stopAll(() => gateway.stop()),
    };
  }
  let notices = 0;
  const onNotice = (): void => {
    notices += 1;
  };
  const managed = await startManagedEdge({ port: 0, environment, onNotice });
  // The queue's client reads its credentials and endpoint there, as in a Lambda.
  Object.assign(process.env, managed.publisherEnvironment);
  const enqueueHints = await createEdgeQueue(String(managed.publisherEnvironment.RT_EDGE_QUEUE_URL));
  return {
    ...{ edge, issuer, port: managed.port, publisher: createPublisher(commands, { enqueueHints }) },
    complaints: () => notices,
    urlOn: (port) => `ws://127.0.0.1:${port}/local`,
    stop: () => stopAll(managed.stop),
  };
}
