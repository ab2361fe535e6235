import { join } from "node:path";
import { CONTENDERS, installContenders } from "../contender-packages.ts";
import { nodeFlags } from "../server-process.ts";
import type { Contender } from "./contender.ts";
import { openTextSender, roomHandshake } from "./redis-sender.ts";

/** µWebSockets, native code, publishing to topics; on the Node 20 that its binary is built for. */
export const uws: Contender = {
  label: "µWebSockets (native)",
  hasRooms: true,
  application: "websocket",
  prepare: installContenders,
  launch: ({ port, redisPort }) => ({
    command: join(CONTENDERS, "node_modules/node/bin/node"),
    values: [...nodeFlags, join(CONTENDERS, "uws.js"), String(port), String(redisPort)],
    environment: {},
  }),
  handshake: ({ rooms }) => roomHandshake(rooms),
  openSender: openTextSender,
};
