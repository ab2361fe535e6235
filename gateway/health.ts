import type { RequestListener } from "node:http";
import type { Registry } from "prom-client";
import type { Readiness } from "./readiness.ts";

interface HealthOptions {
  readonly readiness: Pick<Readiness, "reason" | "hasBeenReady">;
  readonly registry: Registry;
}

/**
 * Creates the listener for `/healthz` (503 until the gateway is ready for the first time, 200 from then on), `/readyz`
 * (200 while it can serve clients, else 503 with the reason) and `/metrics` (Prometheus text). Anything else is 404.
 */
export function createHealth({ readiness, registry }: HealthOptions): RequestListener {
  return (request, response) => {
    const path = request.url?.split("?")[0];
    const { reason } = readiness;
    if (path === "/healthz") {
      if (readiness.hasBeenReady) response.end("ok\n");
      else response.writeHead(503).end(`not ready yet: ${reason}\n`);
    } else if (path === "/readyz") {
      if (reason === undefined) response.end("ready\n");
      else response.writeHead(503).end(`not ready: ${reason}\n`);
    } else if (path === "/metrics") {
      registry.metrics().then(
        (text) => response.setHeader("content-type", registry.contentType).end(text),
        () => response.writeHead(500).end(),
      );
    } else response.writeHead(404).end("not found\n");
  };
}
