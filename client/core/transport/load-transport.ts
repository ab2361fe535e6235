import type { Edge } from "../types.ts";
import { openManagedTransport } from "./managed-transport.ts";
import { createSocketIoTransport } from "./socket-io-transport.ts";
import type { OpenTransport } from "./transport.ts";

/**
 * `socket.io-client` is most of the bundle and of no use on the managed edge: it is loaded where it is needed, and who
 * does without need not install it (a bundler takes the `catch` as a sign that it may be missing).
 *
 * Rejects where it is needed and not installed.
 */
export async function loadTransport(edge: Edge): Promise<OpenTransport> {
  if (edge === "managed") return openManagedTransport;
  const { io } = await import("socket.io-client").catch((cause: unknown) => {
    throw new Error("the gateway edge needs the package socket.io-client", { cause });
  });
  return createSocketIoTransport(io);
}
