import type { GatewayNamespace } from "./connection/socket.ts";

const PERIOD_MS = 30_000;

/** Writes the number of connections to the log in CloudWatch's embedded metric format; autoscaling follows it. */
export function reportConnections(namespace: GatewayNamespace, write: (line: string) => void): void {
  const timer = setInterval(() => {
    const Metrics = [{ Name: "Connections", Unit: "Count" }];
    const CloudWatchMetrics = [{ Namespace: "VeztaRealtime", Dimensions: [["Service"]], Metrics }];
    const _aws = { Timestamp: Date.now(), CloudWatchMetrics };
    write(JSON.stringify({ _aws, Service: "gateway", Connections: namespace.sockets.size }));
  }, PERIOD_MS);
  timer.unref();
}
