import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { createPublisher } from "../../kernel/streams/publisher.ts";
import { messages } from "./messages.ts";

/**
 * Publishes the messages 1 to `count` of a user's orders, some at a time, and writes how many calls ended with which
 * status: `node publishing-process.ts <Redis URL> <user> <count> <messages per call>`.
 */
const [url, user, count, size] = process.argv.slice(2);
const connection = connectPublisher(parseEnvironment(redisEnvironment, { RT_REDIS_URL: url }), (error) => {
  throw error;
});
const publisher = createPublisher(connection);
const statuses: Record<string, number> = {};
for (let first = 1; first <= Number(count); first += Number(size)) {
  const batch = messages("user:orders", user, Number(size), first);
  const named = batch.map((message, index) => ({ ...message, eventId: `${user}-${first + index}` }));
  for (const { status } of await publisher.publish(named)) {
    statuses[status] = (statuses[status] ?? 0) + 1;
  }
}
connection.disconnect();
process.stdout.write(JSON.stringify(statuses));
