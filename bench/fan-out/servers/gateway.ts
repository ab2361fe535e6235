import { join } from "node:path";
import { Redis } from "ioredis";
import { channelDefinition } from "../../../contract/channels.ts";
import type { ChannelMessage } from "../../../contract/domain-events.ts";
import { type BenchMessage, channelOf, contentOf, isState } from "../message.ts";
import { parseRoom } from "../rooms.ts";
import { node, nodeFlags } from "../server-process.ts";
import type { ClientPlan, Contender } from "./contender.ts";
import { socketIoHandshake } from "./socket-io-handshake.ts";

const MAXIMUM_CONNECTIONS = 20_000;

/** As Chromium offers it. */
const OFFER = "H Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";

let sent = 0;

function toChannelMessage(message: BenchMessage): ChannelMessage {
  sent += 1;
  const channel = channelOf(message.carries);
  const key = channelDefinition(channel).key === "none" ? undefined : message.key;
  // Kind and data belong together, which the compiler cannot see; the publisher checks it.
  return { channel, key, eventId: `bench-${sent}`, ...contentOf(message) } as ChannelMessage;
}

/** Each channel that the rooms carry, with `changes` where it has them and they are wanted. */
function requestsOf({ rooms, carries }: ClientPlan, wantsChanges: boolean): object[] {
  const requests = new Map<string, object>();
  for (const room of rooms) {
    const { key, kind } = parseRoom(room);
    for (const each of kind === undefined ? carries : [kind]) {
      const channel = channelOf(each);
      const market = channelDefinition(channel).key === "marketId" && key !== "" ? { marketId: key } : {};
      const changes = wantsChanges && isState(each) ? { changes: true } : {};
      requests.set(`${channel} ${key}`, { channel, ...market, ...changes });
    }
  }
  return [...requests.values()];
}

/** The user whose rooms are among them, if one is. */
function userOf({ rooms, carries }: ClientPlan): string | undefined {
  const own = rooms.map(parseRoom).find(({ kind = carries[0] }) => kind && channelOf(kind).startsWith("user:"));
  return own?.key;
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
  application: wantsChanges ? "package" : "socket.io",
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
    const user = userOf(plan);
    const token = user === undefined ? undefined : await issuer.sign({ sub: user });
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
