import { join } from "node:path";
import { node, nodeFlags } from "../server-process.ts";
import type { Contender } from "./contender.ts";
import { openTextSender, roomHandshake } from "./redis-sender.ts";

const PROGRAM = join(import.meta.dirname, "ws.program.ts");

/** The `ws` package with hardly anything around it: a frame built once, one write per message and client. */
export const ws: Contender = {
  label: "ws, one write per message",
  hasRooms: true,
  application: "websocket",
  launch: ({ port, redisPort }) => ({
    command: node,
    values: [...nodeFlags, PROGRAM, String(port), String(redisPort)],
    environment: {},
  }),
  handshake: ({ rooms }) => roomHandshake(rooms),
  openSender: openTextSender,
};
