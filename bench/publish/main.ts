import { parseArgs } from "node:util";
import { Redis } from "ioredis";
import picocolors from "picocolors";
import { createPublisher } from "../../contract/server/publisher.ts";
import { startRedis } from "../../local/redis.ts";
import { measureMemory } from "./memory.ts";
import { measureMethods } from "./methods.ts";

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "40000" },
    runs: { type: "string", default: "5" },
    memory: { type: "string", default: "300000" },
    json: { type: "boolean", default: false },
  },
});

const server = await startRedis();
const redis = new Redis(server.port, "127.0.0.1");
try {
  const publisher = createPublisher(redis);
  const methods = await measureMethods(redis, publisher, {
    messages: Number(values.messages),
    runs: Number(values.runs),
  });
  const memory = await measureMemory(redis, publisher, Number(values.memory));
  if (values.json) console.log(JSON.stringify({ methods, memory }, null, 2));
  else {
    console.log(
      picocolors.bold("Publishing: one connection, one Redis; medians, ratios against PUBLISH in the same run"),
    );
    console.table(methods);
    console.log(picocolors.bold("Memory of Redis: fixed sets of streams, ever more messages (dedupe keys apart)"));
    console.table(memory);
  }
} finally {
  redis.disconnect();
  await server.stop();
}
