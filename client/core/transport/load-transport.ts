import type { Edge } from "../types.ts";
import { openManagedTransport } from "./managed-transport.ts";
import { createSocketIoTransport } from "./socket-io-transport.ts";
import type { OpenTransport } from "./transport.ts";

/**
 * Resolves with the transport of an edge. `socket.io-client` is most of the bundle and unused on the managed edge, so it
 * is loaded only for the gateway and need not be installed otherwise (the `catch` tells bundlers that it is optional).
 *
 * Rejects if it is needed and not installed.
 */
export async function loadTransport(edge: Edge): Promise<OpenTransport> {
  if (edge === "managed") return openManagedTransport;
  const { io } = await import("socket.io-client").catch((cause: unknown) => {
    throw new Error("the gateway edge needs the package socket.io-client", { cause });
  });
  return createSocketIoTransport(io);
}
