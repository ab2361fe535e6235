import { openManagedTransport } from "./managed-transport.ts";
import { createSocketIoTransport } from "./socket-io-transport.ts";
import type { OpenTransport } from "./transport.ts";
import type { Edge } from "./types.ts";

/**
 * Loads `socket.io-client` for the gateway edge alone: it is most of a bundle, and the managed edge does without it.
 *
 * Rejects on the gateway edge where `socket.io-client` is not installed.
 */
export async function loadTransport(edge: Edge): Promise<OpenTransport> {
  if (edge === "managed") return openManagedTransport;
  try {
    // Directly in a `try`: Turbopack, webpack, esbuild and Metro then build without the package too. `.catch()` is not
    // enough for the first two.
    const { io } = await import("socket.io-client");
    return createSocketIoTransport(io);
  } catch (cause) {
    throw new Error("the gateway edge needs the package socket.io-client", { cause });
  }
}
