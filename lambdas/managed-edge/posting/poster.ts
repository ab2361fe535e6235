import {
  type ApiGatewayManagementApiClient,
  ApiGatewayManagementApiServiceException,
  DeleteConnectionCommand,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import { packFrames, type ServerFrame } from "../../../contract/managed-edge.ts";
import { requestSignal } from "../../../kernel/aws/aws-bounds.ts";

/** A message is billed in steps of this size, in bytes; API Gateway takes up to four of them in one. */
const MAXIMUM_MESSAGE_BYTES = 32 * 1_024;

/**
 * Sends to connections. Throttling, 5xx and silence are tried again by the SDK's client, with backoff and jitter, for a
 * few seconds at most: then the request rejects. Whether a message that met with silence has arrived nobody knows.
 */
export interface Poster {
  /**
   * Sends frames in their order, as few messages as they fit into; says whether the connection is still there. Rejects
   * where API Gateway does not take a message after all attempts: those before it are sent.
   *
   * @param until ends the attempts early.
   */
  send(connectionId: string, frames: readonly string[], until?: AbortSignal): Promise<boolean>;
  /** Sends one message of `packMessages`; says whether the connection is still there. */
  post(connectionId: string, message: string, until?: AbortSignal): Promise<boolean>;
  /** Ends a connection. Does nothing where it has ended. */
  close(connectionId: string): Promise<void>;
}

export const encodeFrame = (frame: ServerFrame): string => JSON.stringify(frame);

/** Packs encoded frames into messages of one billed step each, unless a frame alone is larger. */
export const packMessages = (frames: readonly string[]): string[] => packFrames(frames, MAXIMUM_MESSAGE_BYTES);

const statusOf = (error: unknown): number | undefined =>
  error instanceof ApiGatewayManagementApiServiceException ? error.$metadata.httpStatusCode : undefined;

// By status as well: not every answer of API Gateway carries the name of its error.
const isGone = (error: unknown): boolean =>
  statusOf(error) === 410 || (error instanceof Error && error.name === "GoneException");

/** Whether API Gateway said that it did not take the message; after any other failure it may have arrived. */
export const isRefused = (error: unknown): boolean => {
  const status = statusOf(error);
  return status !== undefined && status >= 400 && status < 500;
};

async function unlessGone(request: Promise<unknown>): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

export function createPoster(client: ApiGatewayManagementApiClient): Poster {
  const post: Poster["post"] = (connectionId, message, until) => {
    const command = new PostToConnectionCommand({ ConnectionId: connectionId, Data: message });
    return unlessGone(client.send(command, requestSignal(until)));
  };
  return {
    post,
    async send(connectionId, frames, until) {
      for (const message of packMessages(frames)) {
        if (!(await post(connectionId, message, until))) return false;
      }
      return true;
    },
    close: async (connectionId) => {
      await unlessGone(client.send(new DeleteConnectionCommand({ ConnectionId: connectionId }), requestSignal()));
    },
  };
}
