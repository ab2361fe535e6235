import type { Edge } from "../types.ts";
import { openManagedTransport } from "./managed-transport.ts";
import { createSocketIoTransport } from "./socket-io-transport.ts";
import type { OpenTransport } from "./transport.ts";

/**
 * Resolves with the transport of an edge. `socket.io-client` is most of the bundle and unused on the managed edge, so it
 * is loaded only for the gateway and need not be installed otherwise.
 *
 * Rejects if it is needed and not installed.
 */
export async function loadTransport(edge: Edge): Promise<OpenTransport> {
  if (edge === "managed") return openManagedTransport;
  try {
    // Directly in a `try`: Turbopack, webpack, esbuild and Metro then build without the package too. `.catch()` is not
    // enough for the first two.
    const { io } = await import("socket.io-client");
    return createSocketIoTransport(io);
  } catch (cause) {
    throw new Error("the package socket.io-client could not be loaded; the gateway edge needs it installed", { cause });
  }
}
