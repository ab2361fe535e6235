import { createServer, type Server } from "node:http";
import type { Registry } from "prom-client";

/**
 * Creates the server of `/metrics` (Prometheus text); anything else is 404. It has a port of its own: what the load
 * balancer forwards to is public. Not listening yet.
 */
export function createMetricsServer(registry: Registry): Server {
  const server = createServer((request, response) => {
    if (request.url?.split("?")[0] !== "/metrics") {
      response.writeHead(404).end("not found\n");
      return;
    }
    registry.metrics().then(
      (text) => response.setHeader("content-type", registry.contentType).end(text),
      () => response.writeHead(500).end(),
    );
  });
  // A scraper that keeps its connection must not keep the process.
  server.unref();
  return server;
}
