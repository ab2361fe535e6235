import type { Server } from "socket.io";
import type { Metrics } from "../metrics.ts";
import { type EngineConnection, terminate } from "../socket-io/engine-connection.ts";
import { TokenBucket } from "./token-bucket.ts";

/**
 * What one connection may send before it is parsed, per second and at once: far above what any client of ours does. A
 * packet costs one, and one more for every thousand bytes.
 */
const TRAFFIC_LIMIT = { rate: 200, burst: 4_000 };

function costOf(data: unknown): number {
  if (typeof data === "string") return 1 + data.length / 1_000;
  return data instanceof ArrayBuffer || ArrayBuffer.isView(data) ? 1 + data.byteLength / 1_000 : 1;
}

/** Ends connections that flood, before their packets cost more than the reading. */
export function limitTraffic(engine: Server["engine"], metrics: Metrics): void {
  engine.on("connection", (connection: EngineConnection) => {
    const bucket = new TokenBucket(TRAFFIC_LIMIT);
    connection.on("packet", ({ data }: { data?: unknown }) => {
      if (bucket.take(costOf(data))) return;
      metrics.connectionsRefused.inc({ code: "rate_limited" });
      terminate(connection);
    });
  });
}
