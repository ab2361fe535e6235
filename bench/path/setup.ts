import { io, type Socket } from "socket.io-client";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import { NAMESPACE } from "../../contract/endpoints.ts";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { createPublisher, type Publisher } from "../../kernel/streams/publisher.ts";
import { startGateway } from "../../local/gateway.ts";
import { createIssuer } from "../../local/issuer.ts";
import { startRedis } from "../../local/redis.ts";

/** The whole path: a publisher, Redis, two gateways, and the clients that it makes. */
export interface MeasuredPath {
  readonly publisher: Publisher;
  /** Connects a client to one of the gateways, in turn, and subscribes it. */
  connect(request: { readonly channel: string; readonly marketId?: string }): Promise<Socket>;
  stop(): Promise<void>;
}

export async function startPath(): Promise<MeasuredPath> {
  const redis = await startRedis();
  const issuer = await createIssuer();
  const environment = { ...issuer.env, RT_REDIS_URL: redis.url, RT_LOG_LEVEL: "warn" };
  const gateways = await Promise.all([startGateway(environment), startGateway(environment)]);
  const connection = connectPublisher(parseEnvironment(redisEnvironment, environment), (error) => console.error(error));
  const sockets: Socket[] = [];
  return {
    publisher: createPublisher(connection),
    async connect(request) {
      const gateway = gateways[sockets.length % gateways.length];
      const socket = io(`${gateway?.url}${NAMESPACE}`, { transports: ["websocket"], forceNew: true });
      sockets.push(socket);
      await socket.timeout(10_000).emitWithAck("subscribe", request);
      return socket;
    },
    async stop() {
      for (const socket of sockets) socket.disconnect();
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      connection.disconnect();
      await redis.stop();
    },
  };
}

/** A trade that is like a real one in size; `id` tells it from the others. */
export const trade = (marketId: string, id: string): ChannelMessage => ({
  channel: "market:trades",
  key: marketId,
  eventId: id,
  data: {
    id,
    marketId,
    exchange: "polymarket",
    outcome: "yes",
    side: "buy",
    price: "0.42",
    size: "125.5",
    time: Date.now(),
  },
});
