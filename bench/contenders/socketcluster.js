import { createServer } from "node:http";
import { Redis } from "ioredis";
import socketClusterServer from "socketcluster-server";

const ROOM_PREFIX = "room:";
const [port, redisPort] = process.argv.slice(2);
const http = createServer();
const { exchange } = socketClusterServer.attach(http);
const subscriber = new Redis(Number(redisPort), "127.0.0.1");
subscriber.on("pmessage", (_pattern, channel, text) => {
  void exchange.transmitPublish(channel.slice(ROOM_PREFIX.length), JSON.parse(text));
});
await subscriber.psubscribe(`${ROOM_PREFIX}*`);
http.listen(Number(port), "127.0.0.1", () => console.log("ready"));
