import type { DefaultEventsMap, Namespace, Socket } from "socket.io";
import type { ClientToServerEvents, ServerToClientEvents } from "../../contract/messages.ts";
import type { Identity } from "../../kernel/auth/token-verifier.ts";

/** Data that the handshake leaves for the connection. */
export interface SocketData {
  /** Undefined on an anonymous connection. */
  identity?: Identity | undefined;
}

export type GatewaySocket = Socket<ClientToServerEvents, ServerToClientEvents, DefaultEventsMap, SocketData>;
export type GatewayNamespace = Namespace<ClientToServerEvents, ServerToClientEvents, DefaultEventsMap, SocketData>;
