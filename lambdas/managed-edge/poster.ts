import {
  type ApiGatewayManagementApiClient,
  ApiGatewayManagementApiServiceException,
  DeleteConnectionCommand,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import { packFrames, type ServerFrame } from "../../contract/managed-edge.ts";

/** A message is billed in steps of this size, in bytes; API Gateway takes up to four of them in one. */
const MAXIMUM_MESSAGE_BYTES = 32 * 1_024;

/** Sends to connections. Throttling and 5xx are tried again by the SDK's client, with backoff and jitter. */
export interface Poster {
  /**
   * Sends frames in their order, as few messages as they fit into; says whether the connection is still there. Rejects
   * where API Gateway does not take a message after all attempts: those before it are sent.
   */
  send(connectionId: string, frames: readonly string[]): Promise<boolean>;
  /** Ends a connection. Does nothing where it has ended. */
  close(connectionId: string): Promise<void>;
}

export const encodeFrame = (frame: ServerFrame): string => JSON.stringify(frame);

// By status as well: not every answer of API Gateway carries the name of its error.
const isGone = (error: unknown): boolean =>
  error instanceof ApiGatewayManagementApiServiceException &&
  (error.name === "GoneException" || error.$metadata.httpStatusCode === 410);

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
  return {
    async send(connectionId, frames) {
      for (const message of packFrames(frames, MAXIMUM_MESSAGE_BYTES)) {
        const command = new PostToConnectionCommand({ ConnectionId: connectionId, Data: message });
        if (!(await unlessGone(client.send(command)))) return false;
      }
      return true;
    },
    close: async (connectionId) => {
      await unlessGone(client.send(new DeleteConnectionCommand({ ConnectionId: connectionId })));
    },
  };
}
