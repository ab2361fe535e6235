import type { RequestListener } from "node:http";
import type { Registry } from "prom-client";

interface HealthOptions {
  /** Whether clients can connect and be served. */
  readonly isReady: () => boolean;
  readonly registry: Registry;
}

/**
 * Answers `/healthz` (200 while the process lives), `/readyz` (200 while it can serve, else 503) and `/metrics`
 * (Prometheus text). Anything else is 404.
 */
export function createHealth({ isReady, registry }: HealthOptions): RequestListener {
  return (request, response) => {
    const path = request.url?.split("?")[0];
    if (path === "/healthz") response.end("ok\n");
    else if (path === "/readyz") response.writeHead(isReady() ? 200 : 503).end(isReady() ? "ready\n" : "not ready\n");
    else if (path === "/metrics") {
      registry.metrics().then(
        (text) => response.setHeader("content-type", registry.contentType).end(text),
        () => response.writeHead(500).end(),
      );
    } else response.writeHead(404).end("not found\n");
  };
}
