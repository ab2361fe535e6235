import { createRequire } from "node:module";
import { Redis } from "ioredis";

const ROOM_PREFIX = "room:";
const [port, redisPort] = process.argv.slice(2);
const load = createRequire(import.meta.url);
// The package's own entry falls back to plain JavaScript without a word where the binary does not load.
const uWS = load(
  `@trufflesuite/uws-js-unofficial/binaries/uws_${process.platform}_${process.arch}_${process.versions.modules}.node`,
);

const app = uWS.App();
app.ws("/*", {
  message(socket, name) {
    socket.subscribe(Buffer.from(name).toString());
    socket.send("subscribed");
  },
});
const subscriber = new Redis(Number(redisPort), "127.0.0.1");
subscriber.on("pmessageBuffer", (_pattern, channel, text) => {
  app.publish(channel.toString().slice(ROOM_PREFIX.length), text);
});
await subscriber.psubscribe(`${ROOM_PREFIX}*`);
app.listen("127.0.0.1", Number(port), (listening) => {
  if (!listening) throw new Error(`cannot listen on port ${port}`);
  console.log("ready");
});
