import type { Connections } from "../table/connections.ts";
import type { ConnectionKey } from "../table/room-subscriber.ts";
import type { Poster } from "./poster.ts";

/** The dependencies of {@link closeConnection}. */
export interface CloseContext {
  readonly connections: Connections;
  readonly poster: Poster;
  /** Called for each failure, with the step that failed. */
  readonly onError: (error: unknown, stage: string) => void;
}

/**
 * Closes a connection that cannot be sent what it must know, or that holds up others: its client reconnects and resumes.
 * Never rejects.
 */
export async function closeConnection(context: CloseContext, connection: ConnectionKey): Promise<void> {
  const { connections, poster, onError } = context;
  await Promise.all([
    poster.close(connection.id).catch((error: unknown) => onError(error, "close")),
    connections.remove(connection).catch((error: unknown) => onError(error, "remove")),
  ]);
}
