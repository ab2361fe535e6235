import { join } from "node:path";
import { Redis } from "ioredis";
import type { ChannelMessage } from "../../../contract/domain-events.ts";
import { type BenchMessage, bookOf, orderOf, stampOf, tradeOf } from "../message.ts";
import { node, nodeFlags } from "../server-process.ts";
import type { Contender } from "./contender.ts";
import { socketIoHandshake } from "./socket-io-handshake.ts";

const MAXIMUM_CONNECTIONS = 20_000;

/** As Chromium offers it. */
const OFFER = "H Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";

let sent = 0;

function toChannelMessage(message: BenchMessage): ChannelMessage {
  sent += 1;
  const eventId = `bench-${sent}`;
  const { room: key, carries } = message;
  if (carries === "order") return { channel: "user:orders", key, eventId, data: orderOf(message) };
  if (carries === "trade") return { channel: "market:trades", key, eventId, data: tradeOf(message) };
  return { channel: "market:orderbook", key, eventId, event: stampOf(message), data: bookOf(message) };
}

/**
 * This project's gateway, as its own process, fed by its own publisher.
 *
 * @param root the checkout whose `gateway/` and `contract/` are measured.
 * @param isCompressed whether it compresses, and the clients negotiate that as browsers do.
 * @param windowMs the longest rest between two flushes; see docs/fan-out.md.
 */
export const gatewayOf = (root: string, { isCompressed = false, windowMs = 10 } = {}): Contender => ({
  label: `this gateway${isCompressed ? ", compressing" : ""}${windowMs === 10 ? "" : `, ${windowMs} ms`}`,
  hasRooms: true,
  launch: ({ port, redisPort, issuer }) => ({
    command: node,
    values: [...nodeFlags, join(root, "gateway/main.ts")],
    environment: {
      ...issuer.env,
      RT_PORT: String(port),
      RT_REDIS_URL: `redis://127.0.0.1:${redisPort}`,
      RT_LOG_LEVEL: "warn",
      RT_DRAIN_SECONDS: "0",
      RT_COMPRESSION: String(isCompressed),
      RT_FAN_OUT_WINDOW_MS: String(windowMs),
      RT_MAX_CONNECTIONS: String(MAXIMUM_CONNECTIONS),
    },
    readyUrl: `http://127.0.0.1:${port}/readyz`,
  }),
  async handshake({ rooms, carries }, { issuer }) {
    const channel = carries === "book" ? "market:orderbook" : "market:trades";
    const [path = "", ...steps] =
      carries === "order"
        ? socketIoHandshake([{ channel: "user:orders" }], await issuer.sign({ sub: rooms[0] ?? "" }))
        : socketIoHandshake(rooms.map((marketId) => ({ channel, marketId })));
    return isCompressed ? [path, OFFER, ...steps] : [path, ...steps];
  },
  async openSender({ redisPort }) {
    const { createPublisher }: typeof import("../../../kernel/streams/publisher.ts") = await import(
      join(root, "kernel/streams/publisher.ts")
    );
    const redis = new Redis(redisPort, "127.0.0.1");
    const publisher = createPublisher(redis);
    return {
      send: (messages) => publisher.publish(messages.map(toChannelMessage)),
      close: () => redis.disconnect(),
    };
  },
});
