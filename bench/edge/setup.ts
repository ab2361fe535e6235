import { performance } from "node:perf_hooks";
import { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { Redis } from "ioredis";
import type { Stream } from "../../contract/stream.ts";
import { type EnqueueHints, groupOf } from "../../kernel/streams/edge-hint.ts";
import { createPublisher, type Publisher } from "../../kernel/streams/publisher.ts";
import { readState } from "../../kernel/streams/stored-state.ts";
import { createStreamReader } from "../../kernel/streams/stream-reader.ts";
import { createConnectionHandler } from "../../lambdas/managed-edge/connect/connection.ts";
import { createFanOut } from "../../lambdas/managed-edge/fan-out/fan-out.ts";
import { createMessageHandler } from "../../lambdas/managed-edge/messages/client-messages.ts";
import { createPoster } from "../../lambdas/managed-edge/posting/poster.ts";
import { createEdgeStreams } from "../../lambdas/managed-edge/streams/edge-streams.ts";
import { Connections } from "../../lambdas/managed-edge/table/connections.ts";
import { RoomSubscribers } from "../../lambdas/managed-edge/table/room-subscribers.ts";
import { StartPositions } from "../../lambdas/managed-edge/table/start-positions.ts";
import { Table } from "../../lambdas/managed-edge/table/table.ts";
import { startDynamo } from "../../local/managed-edge/dynamo.ts";
import { startFifoQueue } from "../../local/managed-edge/fifo-queue.ts";
import { startWebSocketApi } from "../../local/managed-edge/web-socket-api.ts";
import { startRedis } from "../../local/redis.ts";
import { noCounts } from "./counts.ts";

/** Steps in which API Gateway bills a message, in bytes. */
const BILLED_BYTES = 32 * 1_024;

export interface BenchEdgeOptions {
  /** Duration of a post, in ms. */
  readonly postMs: number;
  /** Invocations of the fan-out at once. */
  readonly concurrency: number;
  /** Pause of a fan-out after a batch that was not full, in ms. */
  readonly windowMs: number;
}

/** The managed edge in one process, with everything counted that costs money. */
export async function startBenchEdge({ postMs, concurrency, windowMs }: BenchEdgeOptions) {
  const counts = noCounts();
  const [server, dynamo] = await Promise.all([startRedis(), startDynamo()]);
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const region = "us-east-1";
  const dynamoClient = new DynamoDBClient({
    endpoint: dynamo.environment.AWS_ENDPOINT_URL_DYNAMODB,
    region,
    credentials,
  });
  dynamoClient.middlewareStack.add(
    (next) => (input) => {
      counts.tableRequests += 1;
      return next(input);
    },
    { step: "initialize" },
  );
  const table = new Table(DynamoDBDocumentClient.from(dynamoClient), String(dynamo.environment.RT_EDGE_TABLE));
  const subscribers = new RoomSubscribers(table);
  const redis = new Redis(server.port, "127.0.0.1");
  const context = {
    subscribers,
    startPositions: new StartPositions(table),
    connections: new Connections(table, subscribers),
    streams: createEdgeStreams(redis),
    reader: createStreamReader(redis),
    readState: (stream: Stream) => readState(redis, stream),
    onError: (error: unknown) => {
      throw error;
    },
  };
  let fanOut: (event: SQSEvent) => Promise<SQSBatchResponse> = async () => ({ batchItemFailures: [] });
  const queue = await startFifoQueue({
    invoke: async (event) => {
      const started = performance.now();
      const result = await fanOut(event);
      counts.invocations += 1;
      counts.invocationMs += performance.now() - started;
      return result;
    },
    maximumConcurrency: concurrency,
    visibilityTimeoutMs: 1_000,
    maximumReceives: 10,
    onFailure: (text) => {
      throw new Error(text);
    },
  });
  let handleMessage: (event: never) => Promise<unknown> = async () => undefined;
  const allow = async () => ({ policyDocument: { Statement: [{ Effect: "Allow" }] } });
  const api = await startWebSocketApi({
    port: 0,
    postMs,
    functions: {
      authorizer: allow,
      connection: createConnectionHandler(context.connections),
      messages: (event) => handleMessage(event as never),
    },
    onPosted: (body) => {
      counts.posts += 1;
      counts.billedPosts += Math.ceil(Buffer.byteLength(body) / BILLED_BYTES);
    },
  });
  const poster = createPoster(new ApiGatewayManagementApiClient({ endpoint: api.managementUrl, region, credentials }));
  handleMessage = createMessageHandler({
    ...context,
    poster,
    verifyToken: () => Promise.reject(new Error("no tokens here")),
  });
  const enqueueHints: EnqueueHints = async (hints) => {
    counts.queueRequests += Math.ceil(hints.length / 10);
    for (const { hint, deduplicationId } of hints) {
      queue.add({
        Id: "0",
        MessageBody: JSON.stringify(hint),
        MessageGroupId: groupOf(hint),
        MessageDeduplicationId: deduplicationId,
      });
    }
  };
  const onCursorReplaced = (channel: string): never => {
    throw new Error(`cursor of a ${channel} stream replaced: not valid or ahead of its stream`);
  };
  fanOut = createFanOut({ ...context, poster, enqueueHints, splitOver: 1_000, windowMs, onCursorReplaced });
  const publisher: Publisher = createPublisher(redis, { enqueueHints });
  return {
    url: api.url,
    counts,
    publisher,
    queue,
    async stop() {
      await api.stop();
      queue.stop();
      dynamo.stop();
      redis.disconnect();
      await server.stop();
    },
  };
}

export type BenchEdge = Awaited<ReturnType<typeof startBenchEdge>>;
