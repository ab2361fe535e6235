import type { SQSBatchResponse } from "aws-lambda";
import { createEdgeQueue } from "../kernel/managed-edge/edge-queue.ts";
import type { EnqueueHints } from "../kernel/streams/edge-hint.ts";
import { localCredentials, startDynamo } from "../local/managed-edge/dynamo.ts";
import { startFifoQueue } from "../local/managed-edge/fifo-queue.ts";
import { edgeHandlers } from "../local/managed-edge/managed-edge.ts";
import { startWebSocketApi } from "../local/managed-edge/web-socket-api.ts";
import { EdgeFunctions } from "./edge-functions.ts";
import { type HttpGate, openHttpGate } from "./http-gate.ts";

const VISIBILITY_TIMEOUT_MS = 500;
const KEPT_LOG_LINES = 50;

/** The managed edge of a drill: its real handlers, and every way between its parts where a fault can stand. */
export interface DrillEdge {
  /** Port that clients connect to, without the stage. */
  readonly port: number;
  /** Puts hints into the queue, as publishers do. */
  readonly enqueueHints: EnqueueHints;
  /** On the way from the functions to API Gateway's `@connections`. */
  readonly posts: HttpGate;
  /** On the way from publishers and the fan-out to SQS. */
  readonly queue: HttpGate;
  /** Messages that are in the queue. */
  readonly queued: () => number;
  readonly connectionIds: () => readonly string[];
  /** The process of the function that answers client messages. */
  readonly messages: EdgeFunctions;
  /** Called with every message that a client was given, before the function gets the response. */
  onPosted: (body: string) => void;
  /** The end of what the functions logged, for a report. */
  readonly log: readonly string[];
  stop(): Promise<void>;
}

/** Starts DynamoDB, the queue, the API and the functions. */
export async function startDrillEdge(environment: Readonly<Record<string, string>>): Promise<DrillEdge> {
  const log: string[] = [];
  const note = (line: string): void => {
    log.push(line);
    log.splice(0, log.length - KEPT_LOG_LINES);
  };
  const dynamo = await startDynamo();
  const functions: { messages?: EdgeFunctions; others?: EdgeFunctions } = {};
  const invoke = (handler: keyof typeof edgeHandlers) => async (event: unknown) => {
    const host = handler === "messages" ? functions.messages : functions.others;
    if (!host) throw new Error("the functions are not there yet");
    return host.invoke(edgeHandlers[handler], event);
  };
  const fifo = await startFifoQueue({
    invoke: async (event) => (await invoke("fanOut")(event)) as SQSBatchResponse,
    maximumConcurrency: 10,
    visibilityTimeoutMs: VISIBILITY_TIMEOUT_MS,
    maximumReceives: 10,
    onFailure: note,
  });
  const hooks = { onPosted: (_body: string): void => undefined };
  const api = await startWebSocketApi({
    port: 0,
    functions: {
      authorizer: invoke("authorizer"),
      connection: invoke("connection"),
      messages: invoke("messages"),
    },
    onPosted: (body) => hooks.onPosted(body),
  });
  const [posts, queue] = [
    await openHttpGate(api.managementUrl),
    await openHttpGate(fifo.environment.AWS_ENDPOINT_URL_SQS),
  ];
  const queueUrl = queue.origin + new URL(fifo.environment.RT_EDGE_QUEUE_URL).pathname;
  const queueEnvironment = { RT_EDGE_QUEUE_URL: queueUrl, AWS_ENDPOINT_URL_SQS: queue.origin };
  const ownEnvironment = {
    ...localCredentials,
    ...environment,
    ...dynamo.environment,
    ...queueEnvironment,
    RT_EDGE_MANAGEMENT_URL: posts.origin + new URL(api.managementUrl).pathname,
    POWERTOOLS_LOG_LEVEL: "WARN",
  };
  const messages = new EdgeFunctions(ownEnvironment, note);
  const others = new EdgeFunctions(ownEnvironment, note);
  functions.messages = messages;
  functions.others = others;
  // biome-ignore lint/style/noProcessEnv: the AWS SDK of the publishers takes its credentials and endpoint from there
  Object.assign(process.env, localCredentials, queueEnvironment);
  return {
    ...{ port: api.port, posts, queue, messages, log, connectionIds: api.connectionIds, queued: fifo.size },
    enqueueHints: await createEdgeQueue(queueUrl),
    get onPosted() {
      return hooks.onPosted;
    },
    set onPosted(listener) {
      hooks.onPosted = listener;
    },
    async stop() {
      await Promise.all([messages.stop(), others.stop()]);
      await api.stop();
      await Promise.all([posts.close(), queue.close()]);
      fifo.stop();
      // dynalite is left to the end of the process: it throws where it is stopped before it is done with what the
      // functions had asked for.
    },
  };
}
