import { type ChainableCommander, Redis } from "ioredis";
import { type BenchMessage, textOf } from "../message.ts";
import type { Sender } from "./contender.ts";

/** Publishes the messages of one call in one pipeline, so that none waits for the answer to another. */
export function openRedisSender(
  port: number,
  add: (pipeline: ChainableCommander, message: BenchMessage) => void,
): Sender {
  const redis = new Redis(port, "127.0.0.1");
  return {
    async send(messages) {
      const pipeline = redis.pipeline();
      for (const message of messages) add(pipeline, message);
      await pipeline.exec();
    },
    close: () => redis.disconnect(),
  };
}

/** The Redis channels that the servers without an adapter subscribe to: this and the room. */
export const ROOM_PREFIX = "room:";

/** For servers that send on what they get as it is. */
export const openTextSender = async ({ redisPort }: { readonly redisPort: number }): Promise<Sender> =>
  openRedisSender(redisPort, (pipeline, message) => {
    const text = textOf(message);
    for (const room of message.rooms) pipeline.publish(ROOM_PREFIX + room, text);
  });

/** The handshake of a client that asks such a server for rooms. */
export const roomHandshake = (rooms: readonly string[]): readonly string[] => [
  "C /",
  ...rooms.map((room) => `> ${room}`),
  ...rooms.map(() => "< subscribed"),
];
