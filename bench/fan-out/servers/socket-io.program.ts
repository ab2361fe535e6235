import { createServer } from "node:http";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { Redis } from "ioredis";
import { Server } from "socket.io";
import * as z from "zod";
import { NAMESPACE } from "../../../contract/endpoints.ts";

const [port, redisPort, adapter] = process.argv.slice(2);
const publisher = new Redis(Number(redisPort), "127.0.0.1");
const subscriber = publisher.duplicate();
const http = createServer();
const io = new Server(http, {
  adapter: adapter === "sharded" ? createShardedAdapter(publisher, subscriber) : createAdapter(publisher, subscriber),
});
const request = z.object({ room: z.string() });
io.of(NAMESPACE).on("connection", (socket) => {
  socket.on("subscribe", async (value: unknown) => {
    const { room } = request.parse(value);
    await socket.join(room);
    socket.emit("subscribed", { room });
  });
});
// An answer on the subscriber's connection means that the adapter's subscriptions before it are confirmed.
await subscriber.subscribe("ready");
http.listen(Number(port), "127.0.0.1", () => console.log("ready"));
