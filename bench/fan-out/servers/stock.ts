import { createRequire } from "node:module";
import { join } from "node:path";
import { NAMESPACE } from "../../../contract/endpoints.ts";
import { pubSubChannel } from "../../../kernel/streams/redis-keys.ts";
import { bodyOf } from "../message.ts";
import { node, nodeFlags } from "../server-process.ts";
import type { Contender } from "./contender.ts";
import { openRedisSender } from "./redis-sender.ts";
import { socketIoHandshake } from "./socket-io-handshake.ts";

const PROGRAM = join(import.meta.dirname, "socket-io.program.ts");

// The adapter's own encoder, and so the emitter's: the package is a dependency of the adapter, not of ours.
const adapterRequire = createRequire(createRequire(import.meta.url).resolve("@socket.io/redis-adapter"));
const { encode }: { encode: (value: unknown) => Buffer } = adapterRequire("notepack.io");

/** Returns the message that `@socket.io/redis-emitter` publishes. */
const emitterMessage = (room: string, body: object): Buffer =>
  encode(["emitter", { type: 2, data: ["data", body], nsp: NAMESPACE }, { rooms: [room], except: [], flags: {} }]);

/** Returns the message that a server with the sharded adapter publishes for the others. */
const shardedMessage = (room: string, body: object): string =>
  JSON.stringify({
    uid: "emitter",
    nsp: NAMESPACE,
    type: 3,
    data: {
      opts: { rooms: [room], except: [], flags: {} },
      packet: { type: 2, data: ["data", body], nsp: NAMESPACE },
    },
  });

const socketIo = (adapter: "classic" | "sharded"): Pick<Contender, "hasRooms" | "launch" | "handshake"> => ({
  hasRooms: true,
  launch: ({ port, redisPort }) => ({
    command: node,
    values: [...nodeFlags, PROGRAM, String(port), String(redisPort), adapter],
    environment: {},
  }),
  handshake: ({ rooms }) => socketIoHandshake(rooms.map((room) => ({ room }))),
});

/** Socket.IO as it comes, with the classic Redis adapter, fed in the format of the Redis emitter. */
export const stock: Contender = {
  label: "Socket.IO + Redis adapter",
  ...socketIo("classic"),
  openSender: async ({ redisPort }) =>
    openRedisSender(redisPort, (pipeline, message) => {
      const body = bodyOf(message);
      for (const room of message.rooms) pipeline.publish(pubSubChannel(room), emitterMessage(room, body));
    }),
};

/** Socket.IO as it comes, with the sharded Redis adapter. */
export const sharded: Contender = {
  label: "Socket.IO + sharded adapter",
  ...socketIo("sharded"),
  openSender: async ({ redisPort }) =>
    openRedisSender(redisPort, (pipeline, message) => {
      const body = bodyOf(message);
      for (const room of message.rooms) pipeline.spublish(pubSubChannel(room), shardedMessage(room, body));
    }),
};
