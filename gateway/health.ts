import type { RequestListener } from "node:http";
import type { Readiness } from "./readiness.ts";

/**
 * Creates the listener for `/healthz` (503 until the gateway is ready for the first time, 200 from then on) and
 * `/readyz` (200 while it can serve clients, else 503 with the reason). Anything else is 404.
 */
export function createHealth(readiness: Pick<Readiness, "reason" | "hasBeenReady">): RequestListener {
  return (request, response) => {
    const path = request.url?.split("?")[0];
    const { reason } = readiness;
    if (path === "/healthz") {
      if (readiness.hasBeenReady) response.end("ok\n");
      else response.writeHead(503).end(`not ready yet: ${reason}\n`);
    } else if (path === "/readyz") {
      if (reason === undefined) response.end("ready\n");
      else response.writeHead(503).end(`not ready: ${reason}\n`);
    } else response.writeHead(404).end("not found\n");
  };
}
