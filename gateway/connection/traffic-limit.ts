import type { Server } from "socket.io";
import type { Metrics } from "../metrics.ts";
import { TokenBucket } from "./token-bucket.ts";

/** What one connection may send before it is parsed, per second and at once: far above what any client of ours does. */
const PACKETS = { rate: 200, burst: 2_000 };
const BYTES = { rate: 200_000, burst: 4_000_000 };

const sizeOf = (data: unknown): number =>
  typeof data === "string"
    ? data.length
    : data instanceof ArrayBuffer || ArrayBuffer.isView(data)
      ? data.byteLength
      : 0;

/** Ends connections that flood, before their packets cost more than the reading. */
export function limitTraffic(engine: Server["engine"], metrics: Metrics): void {
  engine.on("connection", (connection) => {
    const packets = new TokenBucket(PACKETS);
    const bytes = new TokenBucket(BYTES);
    connection.on("packet", ({ data }: { data?: unknown }) => {
      if (packets.take() && bytes.take(sizeOf(data))) return;
      metrics.connectionsRefused.inc({ code: "rate_limited" });
      connection.close(true);
    });
  });
}
