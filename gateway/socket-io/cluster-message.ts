import * as z from "zod";
import { channelNames } from "../../contract/channels.ts";
import { NAMESPACE } from "../../contract/endpoints.ts";

/** `MessageType.BROADCAST` of socket.io-adapter's cluster protocol, the one type that nodes have a use for here. */
const BROADCAST = 3;

/** Events that clients take from streams and answers only, never from another node. */
const protocolEvents = new Set(["data", "subscribed", "unsubscribed", "authenticated", "error", "heartbeat", "drain"]);

/** Names that Socket.IO or Node's EventEmitter keeps for itself; emitting one of them throws. */
const reservedEvents = new Set([
  "connect",
  "connect_error",
  "disconnect",
  "disconnecting",
  "newListener",
  "removeListener",
]);

const eventName = z.string().refine((name) => !protocolEvents.has(name) && !reservedEvents.has(name));

/** Rooms of streams begin with a hash tag of one of our channels. */
const isDataRoom = (room: string): boolean => channelNames.some((channel) => room.startsWith(`{${channel}`));

const rooms = z.array(z.string().refine((room) => !isDataRoom(room)));

/**
 * What another node may tell this one: a broadcast without acknowledgement to rooms that carry no stream. Everything
 * else of the adapter's protocol is refused: with it, whoever can publish to Redis could join sockets to a user's
 * room, read handshakes with their tokens, or end connections.
 */
const allowedMessage = z.object({
  uid: z.string(),
  nsp: z.literal(NAMESPACE),
  type: z.literal(BROADCAST),
  data: z.strictObject({
    opts: z.object({
      rooms,
      except: z.array(z.string()),
      flags: z.object({ volatile: z.boolean().optional(), compress: z.boolean().optional() }),
    }),
    packet: z.strictObject({
      type: z.literal(2),
      data: z.tuple([eventName], z.unknown()),
      nsp: z.literal(NAMESPACE),
    }),
  }),
});

/** Whether the adapter may see the body: it trusts what it gets, and throws or obeys. */
export function isAllowedClusterMessage(body: Buffer): boolean {
  try {
    return allowedMessage.safeParse(JSON.parse(body.toString("utf8"))).success;
  } catch {
    return false;
  }
}
