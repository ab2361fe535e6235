import { Socket as NetSocket } from "node:net";
import type { GatewaySocket } from "./socket.ts";

/** The Engine.IO connection under a Socket.IO socket. */
export type EngineConnection = GatewaySocket["conn"];

/**
 * What is used here and not part of a documented interface: `writeBuffer` of an Engine.IO connection (packets that its
 * transport has not taken yet), `socket` of its WebSocket transport (the `ws` connection), and `_socket` of that.
 * All of it is in this file; `self-test.ts` tries at start whether it still works.
 */
interface Internals {
  readonly writeBuffer?: unknown;
  readonly transport: { readonly socket?: { readonly _socket?: unknown } };
}

const internalsOf = (connection: EngineConnection): Internals => connection as unknown as Internals;

/** Whether packets wait in the connection for its transport: what is written past them would overtake them. */
export function hasWaitingPackets(connection: EngineConnection): boolean {
  const { writeBuffer } = internalsOf(connection);
  return !Array.isArray(writeBuffer) || writeBuffer.length > 0;
}

/** The TCP connection under a WebSocket, or undefined where the client polls or something is not as it was. */
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
