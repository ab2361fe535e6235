import type { GatewayNamespace } from "./socket-io/socket.ts";

const PERIOD_MS = 30_000;

interface ConnectionReport {
  readonly namespace: GatewayNamespace;
  /** A dimension of the metrics, so that environments can share an account. */
  readonly environment: string;
  readonly write: (line: string) => void;
}

/** Writes the number of connections to the log every 30 s in CloudWatch's embedded metric format, for autoscaling. */
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
