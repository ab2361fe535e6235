import type { GatewayNamespace } from "./socket-io/socket.ts";

const PERIOD_MS = 30_000;

interface ConnectionReport {
  readonly namespace: GatewayNamespace;
  /** Keeps apart the metrics of environments that share an account. */
  readonly environment: string;
  readonly write: (line: string) => void;
}

/** Writes the number of connections to the log in CloudWatch's embedded metric format; autoscaling follows it. */
export function reportConnections({ namespace, environment, write }: ConnectionReport): void {
  const timer = setInterval(() => {
    const Metrics = [{ Name: "Connections", Unit: "Count" }];
    const CloudWatchMetrics = [{ Namespace: "VeztaRealtime", Dimensions: [["Environment", "Service"]], Metrics }];
    const _aws = { Timestamp: Date.now(), CloudWatchMetrics };
    const dimensions = { Environment: environment, Service: "gateway" };
    write(JSON.stringify({ _aws, ...dimensions, Connections: namespace.sockets.size }));
  }, PERIOD_MS);
  timer.unref();
}
