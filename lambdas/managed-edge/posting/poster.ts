import {
  type ApiGatewayManagementApiClient,
  ApiGatewayManagementApiServiceException,
  DeleteConnectionCommand,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import { packFrames, type ServerFrame } from "../../../contract/managed-edge.ts";
import { requestSignal } from "../../../kernel/aws/bounded-requests.ts";

/** API Gateway bills a message in steps of this size, in bytes; a message may have four of them. */
export const MAXIMUM_MESSAGE_BYTES = 32 * 1_024;

/**
 * Posts to connections. The SDK's client retries after throttling, 5xx and timeouts, with backoff and jitter, for a few
 * seconds at most: then the request rejects. A message whose post timed out may have arrived or not.
 */
export interface Poster {
  /**
   * Posts frames in their order, in as few messages as they fit into. Resolves with false where the connection has ended.
   * Rejects where API Gateway does not accept a message after all attempts: those before it are sent.
   *
   * @param until ends the attempts early.
   */
  send(connectionId: string, frames: readonly string[], until?: AbortSignal): Promise<boolean>;
  /** Posts one message of `packMessages`. Resolves with false where the connection has ended. */
  post(connectionId: string, message: string, until?: AbortSignal): Promise<boolean>;
  /** Closes a connection. Does nothing where it has ended. */
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

/** True where API Gateway answered that it did not accept the message; after any other failure it may have arrived. */
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

/** Builds the poster on a client of the API's management endpoint. */
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
