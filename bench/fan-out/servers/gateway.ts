import { join } from "node:path";
import { Redis } from "ioredis";
import type { ChannelMessage } from "../../../contract/domain-events.ts";
import { type BenchMessage, bookOf, channelOf, isState, orderOf, portfolioOf, stampOf, tradeOf } from "../message.ts";
import { node, nodeFlags } from "../server-process.ts";
import type { ClientPlan, Contender } from "./contender.ts";
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
  const event = stampOf(message);
  if (carries === "portfolio") return { channel: "user:portfolio", key, eventId, ...event, data: portfolioOf(key) };
  return { channel: "market:orderbook", key, eventId, ...event, data: bookOf(key, carries) };
}

/** Each channel that the messages come on, with `changes` where it has them and they are wanted. */
function requestsOf({ rooms, carries }: ClientPlan, wantsChanges: boolean): object[] {
  const requests = new Map(
    carries.map((each) => {
      const channel = channelOf(each);
      return [channel, { channel, ...(wantsChanges && isState(each) ? { changes: true } : {}) }];
    }),
  );
  return [...requests.values()].flatMap((request) =>
    request.channel.startsWith("market:") ? rooms.map((marketId) => ({ ...request, marketId })) : [request],
  );
}

/**
 * This project's gateway, as its own process, fed by its own publisher.
 *
 * @param root the checkout whose `gateway/` and `contract/` are measured.
 * @param isCompressed whether it compresses, and the clients negotiate that as browsers do.
 * @param wantsChanges whether the clients ask for changes of books and portfolios, as the SDK does.
 * @param windowMs the longest rest between two flushes; see docs/fan-out.md.
 */
export const gatewayOf = (
  root: string,
  { isCompressed = false, wantsChanges = true, windowMs = 10 } = {},
): Contender => ({
  label: `this gateway${isCompressed ? ", compressing" : ""}${wantsChanges ? "" : ", whole values"}${windowMs === 10 ? "" : `, ${windowMs} ms`}`,
  hasRooms: true,
  skipsOlder: true,
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
  async handshake(plan, { issuer }) {
    const isOwn = plan.carries.some((carries) => channelOf(carries).startsWith("user:"));
    const token = isOwn ? await issuer.sign({ sub: plan.rooms[0] ?? "" }) : undefined;
    const [path = "", ...steps] = socketIoHandshake(requestsOf(plan, wantsChanges), token);
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
