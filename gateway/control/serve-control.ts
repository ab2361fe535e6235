import type { Cluster, Redis } from "ioredis";
import { announceGateway, type GatewayAnnouncement, withdrawGateway } from "../../kernel/control/announcements.ts";
import type { ControlMessage } from "../../kernel/control/control-message.ts";
import { followControl } from "../../kernel/control/follow-control.ts";
import type { Metrics } from "../metrics.ts";
import type { GatewayNamespace } from "../socket-io/socket.ts";

const ANNOUNCE_MS = 5_000;

export interface ControlOptions {
  readonly id: string;
  readonly redis: Redis | Cluster;
  readonly namespace: GatewayNamespace;
  readonly metrics: Metrics;
  readonly state: () => GatewayAnnouncement["state"];
  /** Called when an operator wants this gateway to end. */
  readonly onDrain: () => void;
  readonly onError: (error: unknown, stage: string) => void;
}

/** Closes the connections that a kick names. With `conn.close()`, so that every Socket.IO client connects again. */
function kick(namespace: GatewayNamespace, { sub, connection }: ControlMessage & { type: "kick" }): void {
  for (const socket of namespace.sockets.values()) {
    if (connection === socket.id || (sub !== undefined && socket.data.identity?.sub === sub)) socket.conn.close();
  }
}

/** Acts on the control messages of operators, and announces this gateway to them, until `stop`. */
export function serveControl(options: ControlOptions): { stop(): Promise<void> } {
  const { id, redis, namespace, metrics, state, onDrain, onError } = options;
  const startedAt = Date.now();
  const act = (message: ControlMessage): void => {
    metrics.controlMessages.inc({ type: message.type });
    switch (message.type) {
      case "kick":
        kick(namespace, message);
        return;
      case "drain":
        if (message.gateway === id) onDrain();
        return;
      default:
        message satisfies never;
    }
  };
  const follower = followControl({
    redis,
    onMessage: act,
    onIgnored: (type) => metrics.controlMessages.inc({ type }),
    onError: (error) => onError(error, "control"),
  });
  const announce = async (): Promise<void> => {
    if (redis.status !== "ready") return;
    try {
      const [rooms] = (await metrics.rooms.get()).values;
      const connections = namespace.sockets.size;
      await announceGateway(redis, { id, state: state(), connections, rooms: rooms?.value ?? 0, startedAt });
    } catch (error) {
      onError(error, "announce");
    }
  };
  const timer = setInterval(announce, ANNOUNCE_MS);
  timer.unref();
  redis.once("ready", () => void announce());
  void announce();
  return {
    async stop() {
      follower.stop();
      clearInterval(timer);
      // Without it the gateway counts as running until its lease ends.
      await withdrawGateway(redis, id).catch((error: unknown) => onError(error, "announce"));
    },
  };
}
