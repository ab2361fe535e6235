import { createServer } from "node:http";
import type { Duplex } from "node:stream";
import { Redis } from "ioredis";
import { WebSocketServer } from "ws";
import { ROOM_PREFIX } from "./redis-sender.ts";

const [port, redisPort] = process.argv.slice(2);
const subscriber = new Redis(Number(redisPort), "127.0.0.1");
const rooms = new Map<string, Set<Duplex>>();

/** A whole text frame of 126 to 65,535 bytes, unmasked. */
function toFrame(text: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(4 + text.length);
  frame[0] = 0x81;
  frame[1] = 126;
  frame.writeUInt16BE(text.length, 2);
  text.copy(frame, 4);
  return frame;
}

function join(name: string, stream: Duplex): void {
  const members = rooms.get(name) ?? new Set();
  rooms.set(name, members.add(stream));
  stream.once("close", () => members.delete(stream));
}

subscriber.on("pmessageBuffer", (_pattern: string, channel: Buffer, text: Buffer) => {
  const members = rooms.get(channel.toString().slice(ROOM_PREFIX.length));
  if (!members) return;
  const frame = toFrame(text);
  for (const stream of members) stream.write(frame);
});

const http = createServer();
const sockets = new WebSocketServer({ noServer: true });
http.on("upgrade", (request, stream, head) => {
  sockets.handleUpgrade(request, stream, head, (socket) => {
    stream.setMaxListeners(0);
    socket.on("message", (name) => {
      join(String(name), stream);
      socket.send("subscribed");
    });
  });
});
await subscriber.psubscribe(`${ROOM_PREFIX}*`);
http.listen(Number(port), "127.0.0.1", () => console.log("ready"));
