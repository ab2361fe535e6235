import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SubscribedMessage } from "../../contract/messages.ts";
import type { Stream } from "../../contract/stream.ts";
import { Connection, type ConnectionServices } from "../../gateway/connection/connection.ts";
import { FanOut } from "../../gateway/fan-out/fan-out.ts";
import { dataOf, targetOf } from "../../gateway/fan-out/stream-target.ts";
import { createMetrics } from "../../gateway/metrics.ts";
import { RedisClock } from "../../gateway/redis/redis-clock.ts";
import { ShardedPubSub } from "../../gateway/redis/sharded-pub-sub.ts";
import type { GatewayNamespace, GatewaySocket } from "../../gateway/socket-io/socket.ts";
import { StreamHub } from "../../gateway/streams/stream-hub.ts";
import type { Entry } from "../../kernel/streams/entry.ts";
import { createStreamReader } from "../../kernel/streams/stream-reader.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { messages } from "../support/messages.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

const onError = (error: unknown): void => {
  throw error;
};

/** The parts of a gateway that serve connections, in this process: a test sees the turn in which something happens. */
let redis: TestRedis;
let fanOut: FanOut;
let namespace: GatewayNamespace;
let url = "";
const ends: (() => unknown)[] = [];
beforeAll(async () => {
  redis = await startTestRedis("a single Redis");
  const http = createServer();
  const io = new Server(http, { transports: ["websocket"], serveClient: false });
  namespace = io.of("/ws");
  fanOut = new FanOut({
    ...{
      isDirect: true,
      isCompressed: false,
      windowMs: 0,
      heartbeatDeferMs: 20,
      maximumWaitingBytes: 10_000_000,
      onError,
    },
  });
  const clock = new RedisClock();
  clock.sample("the only one", [Math.floor(Date.now() / 1_000), 0]);
  const metrics = createMetrics();
  const hub = new StreamHub({
    pubSub: new ShardedPubSub({ subscriber: redis.addSubscriber(), onError }),
    reader: createStreamReader(redis.commands),
    deliver: (stream, entry) => fanOut.send(targetOf(stream), dataOf(stream, entry)),
    ...{ clock, metrics, onError },
  });
  const verifyToken = async (): Promise<never> => Promise.reject(new Error("there are no tokens here"));
  const services: ConnectionServices = { hub, fanOut, metrics, verifyToken, maximumSubscriptions: 10, onError };
  namespace.on("connection", (socket) => new Connection(socket, services));
  await once(http.listen(0, "127.0.0.1"), "listening");
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  ends.push(
    () => fanOut.close(),
    () => io.close(),
  );
});
afterAll(async () => {
  for (const end of ends) await end();
  await redis.stop();
});

/** One client, seen from both ends. */
async function connect(): Promise<{ readonly client: TestClient; readonly socket: GatewaySocket }> {
  const client = await connectClient(url);
  ends.unshift(() => client.close());
  const socket = namespace.sockets.get(client.socket.id as never);
  if (!socket) throw new Error("the server does not know the client");
  return { client, socket };
}

async function publish(channel: "market:trades" | "market:prices", key: string, count: number): Promise<string[]> {
  const outcomes = await redis.addPublisher().publish(messages(channel, key, count));
  return outcomes.map((outcome) => (outcome.status === "published" ? outcome.id : outcome.status));
}

/** Serves a request as if it came from the client just now. Returns the answers given before this function returns. */
function receive(socket: GatewaySocket, request: object): SubscribedMessage[] {
  const answers: SubscribedMessage[] = [];
  for (const listener of socket.listeners("subscribe")) {
    listener(request, (answer) => answers.push(answer as SubscribedMessage));
  }
  return answers;
}

describe("a subscribe that needs no waiting", () => {
  it.each([
    ["to a stream", "market:trades", (key: string) => ({ marketId: key })],
    ["to a value", "market:prices", (key: string) => ({ marketId: key })],
    ["to a whole channel", "market:trades", () => ({})],
    ["that resumes", "market:trades", (key: string, ids: readonly string[]) => ({ marketId: key, lastId: ids[0] })],
  ] as const)("%s is live in the turn in which it came", async (title, channel, fields) => {
    const stream: Stream = { channel, key: title };
    const ids = await publish(channel, title, 3);
    const request = { channel, ...fields(title, ids) };
    const other = await connect();
    await other.client.ask("subscribe", request);
    const { client, socket } = await connect();
    const next = { ...messages(channel, title, 1, 4)[0], marketId: title, id: "1-1", prev: "1-0" } as unknown as Entry;

    const answers = receive(socket, request);
    // Reaches only who is in the room already: the stream does not know of it.
    fanOut.send(targetOf(stream), dataOf(stream, next));

    expect(answers).toEqual([expect.objectContaining({ channel })]);
    await expect.poll(() => client.ids(channel)).toContain("1-1");
  });

  it("and resumes what is live already is live again in the turn in which it came", async () => {
    const stream: Stream = { channel: "market:trades", key: "again" };
    const ids = await publish("market:trades", "again", 3);
    const { client, socket } = await connect();
    await client.ask("subscribe", { channel: "market:trades", marketId: "again" });
    const next = { ...messages("market:trades", "again", 1, 4)[0], marketId: "again", id: "1-1", prev: "1-0" };

    const answers = receive(socket, { channel: "market:trades", marketId: "again", lastId: ids[0] });
    fanOut.send(targetOf(stream), dataOf(stream, next as unknown as Entry));

    expect(answers).toEqual([expect.objectContaining({ recovered: true })]);
    await expect.poll(() => client.ids("market:trades")).toEqual([ids[1], ids[2], "1-1"]);
  });
});
