import { openManagedTransport } from "./managed-transport.ts";
import type { OpenTransport } from "./transport.ts";
import type { Edge } from "./types.ts";

/** `socket.io-client` is most of the bundle and of no use on the managed edge: it is loaded where it is needed. */
export async function loadTransport(edge: Edge): Promise<OpenTransport> {
  if (edge === "managed") return openManagedTransport;
  const { openSocketIoTransport } = await import("./socket-io-transport.ts");
  return openSocketIoTransport;
}
