import { join } from "node:path";
import { CONTENDERS, installContenders } from "../contender-packages.ts";
import { bodyOf } from "../message.ts";
import { node, nodeFlags } from "../server-process.ts";
import type { Contender } from "./contender.ts";
import { openRedisSender, ROOM_PREFIX } from "./redis-sender.ts";

/** SocketCluster as it comes; every room is one of its channels. */
export const socketcluster: Contender = {
  label: "SocketCluster",
  hasRooms: true,
  prepare: installContenders,
  launch: ({ port, redisPort }) => ({
    command: node,
    values: [...nodeFlags, join(CONTENDERS, "socketcluster.js"), String(port), String(redisPort)],
    environment: {},
  }),
  handshake: ({ rooms }) => [
    "C /socketcluster/",
    '> {"event":"#handshake","data":{},"cid":1}',
    '< {"rid":1',
    ...rooms.map((channel, index) => `> ${JSON.stringify({ event: "#subscribe", data: { channel }, cid: index + 2 })}`),
    ...rooms.map((_, index) => `< {"rid":${index + 2}`),
  ],
  openSender: async ({ redisPort }) =>
    openRedisSender(redisPort, (pipeline, message) => {
      const text = JSON.stringify(bodyOf(message));
      for (const room of message.rooms) pipeline.publish(ROOM_PREFIX + room, text);
    }),
};
