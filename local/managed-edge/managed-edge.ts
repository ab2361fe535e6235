import { join } from "node:path";
import type { SQSBatchResponse } from "aws-lambda";
import { LambdaProcess } from "../lambda-process.ts";
import { localCredentials, startDynamo } from "./dynamo.ts";
import { type EdgeFaults, noFaults } from "./edge-faults.ts";
import { startFifoQueue } from "./fifo-queue.ts";
import { startWebSocketApi } from "./web-socket-api.ts";

const FOLDER = join(import.meta.dirname, "../../lambdas/managed-edge");

/** Its handlers, by what they are for. */
export const edgeHandlers = {
  authorizer: join(FOLDER, "connect/authorizer.handler.ts"),
  connection: join(FOLDER, "connect/connection.handler.ts"),
  messages: join(FOLDER, "messages/messages.handler.ts"),
  fanOut: join(FOLDER, "fan-out/fan-out.handler.ts"),
} as const;

interface LocalEdgeOptions {
  /** Port that clients connect to; 0 for a free one. */
  readonly port: number;
  /** Variables that the functions need beside those of the parts started here: Redis and the token issuer. */
  readonly environment: Readonly<Record<string, string>>;
  /** Called with each line that a function logs, and with each failure. */
  readonly onNotice: (text: string) => void;
  /** Faults of the emulated AWS, for the drill. @default none */
  readonly faults?: EdgeFaults | undefined;
}

/** The managed edge on this machine. */
export interface LocalEdge {
  readonly port: number;
  /** Variables that make publishers send it hints. */
  readonly publisherEnvironment: Readonly<Record<string, string>>;
  /** Age of the oldest hint in the queue, in ms; 0 where there is none. */
  readonly oldestHintAgeMs: () => number;
  /** Ends the functions' process with SIGKILL, in the midst of whatever they do; another one takes its place. */
  kill(): void;
  stop(): Promise<void>;
}

/** Starts DynamoDB, the queue, the API, and the functions' own handler files behind them. */
export async function startManagedEdge(options: LocalEdgeOptions): Promise<LocalEdge> {
  const { port, environment, onNotice, faults = noFaults() } = options;
  const dynamo = await startDynamo(faults);
  let lambdas: LambdaProcess | undefined;
  const invoke = (handler: keyof typeof edgeHandlers) => async (event: unknown) => {
    if (!lambdas) throw new Error("the functions are not there yet");
    return lambdas.invoke(edgeHandlers[handler], event);
  };
  const queue = await startFifoQueue({
    invoke: async (event) => (await invoke("fanOut")(event)) as SQSBatchResponse,
    maximumConcurrency: 10,
    visibilityTimeoutMs: 1_000,
    maximumReceives: 10,
    onFailure: (text) => onNotice(`managed edge: ${text}`),
    faults,
  });
  const functions = {
    authorizer: invoke("authorizer"),
    connection: invoke("connection"),
    messages: invoke("messages"),
  };
  const end = async (): Promise<void> => {
    await lambdas?.stop();
    queue.stop();
    dynamo.stop();
  };
  try {
    const api = await startWebSocketApi({ port, functions, faults, kill: () => lambdas?.kill() });
    lambdas = new LambdaProcess({
      environment: {
        ...localCredentials,
        ...environment,
        ...dynamo.environment,
        ...queue.environment,
        RT_EDGE_MANAGEMENT_URL: api.managementUrl,
        POWERTOOLS_LOG_LEVEL: "WARN",
      },
      onLog: (line) => onNotice(`managed edge: ${line}`),
    });
    return {
      port: api.port,
      publisherEnvironment: { ...localCredentials, ...queue.environment },
      oldestHintAgeMs: queue.oldestAgeMs,
      kill: () => lambdas?.kill(),
      stop: async () => {
        await api.stop();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}
