import { Socket as NetSocket } from "node:net";
import type { GatewaySocket } from "./socket.ts";

/** The Engine.IO connection under a Socket.IO socket. */
export type EngineConnection = GatewaySocket["conn"];

/**
 * The undocumented members that direct writes need: `writeBuffer` of an Engine.IO connection (packets that its transport
 * has not taken yet), `socket` of its WebSocket transport (the `ws` connection), and `_socket` of that. `self-test.ts`
 * tries at start that they still mean this.
 */
interface Internals {
  readonly writeBuffer?: unknown;
  readonly transport: { readonly socket?: { readonly _socket?: unknown } };
}

const internalsOf = (connection: EngineConnection): Internals => connection as unknown as Internals;

/**
 * Returns true while packets wait in the connection for its transport: what is written past them would overtake them.
 * Returns false where the packets cannot be seen; Socket.IO's own writes are in order without it.
 */
export function hasWaitingPackets(connection: EngineConnection): boolean {
  const { writeBuffer } = internalsOf(connection);
  return Array.isArray(writeBuffer) && writeBuffer.length > 0;
}

/** Returns the TCP connection under a WebSocket, or undefined where the client polls or the members are gone. */
export function tcpSocketOf(connection: EngineConnection): NetSocket | undefined {
  if (connection.transport.name !== "websocket") return undefined;
  const socket = internalsOf(connection).transport.socket?._socket;
  return socket instanceof NetSocket ? socket : undefined;
}

/** Ends a connection at once, whatever its client does. A close that the client must answer can take half a minute. */
export function terminate(connection: EngineConnection): void {
  const socket = tcpSocketOf(connection);
  if (socket) socket.destroy();
  else connection.close(true);
}
