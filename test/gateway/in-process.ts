import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { authenticateHandshake } from "../../gateway/connection/authenticate-handshake.ts";
import { Connection } from "../../gateway/connection/connection.ts";
import { limitTraffic } from "../../gateway/connection/traffic-limit.ts";
import { FanOut } from "../../gateway/fan-out/fan-out.ts";
import { createMetrics, type Metrics } from "../../gateway/metrics.ts";
import { RedisClock } from "../../gateway/redis/redis-clock.ts";
import { ShardedPubSub } from "../../gateway/redis/sharded-pub-sub.ts";
import type { GatewayNamespace, GatewaySocket } from "../../gateway/socket-io/socket.ts";
import { StreamHub } from "../../gateway/streams/stream-hub.ts";
import type { VerifyToken } from "../../kernel/auth/token-verifier.ts";
import { readState } from "../../kernel/streams/stored-state.ts";
import { createStreamReader, type StreamReader } from "../../kernel/streams/stream-reader.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import type { TestRedis } from "../support/redis.ts";

/** A client, and its connection at the gateway. */
export interface ConnectedClient {
  readonly client: TestClient;
  readonly socket: GatewaySocket;
}

/** The parts of a gateway that serve connections, in the process of the test, which sees the turn of an event. */
export interface InProcessGateway {
  readonly hub: StreamHub;
  readonly fanOut: FanOut;
  readonly pubSub: FaultyPubSub;
  readonly metrics: Metrics;
  /** Background failures, by stage. */
  readonly failures: string[];
  readonly port: number;
  /** Without a token the connection is anonymous. */
  connect(token?: string): Promise<ConnectedClient>;
  /** Returns the sum of a metric over the label sets that contain `labels`. */
  count(metric: CountedMetric, labels?: object): Promise<number>;
  stop(): Promise<void>;
}

/** Decides what becomes of a Pub/Sub message: passes it on once, several times, later or never. */
export type Fault = (body: Buffer, pass: (body: Buffer) => void) => void;

class FaultyPubSub extends ShardedPubSub {
  fault: Fault = (body, pass) => pass(body);

  override subscribe(channel: string, handler: (body: Buffer, channel: Buffer) => void): Promise<void> {
    return super.subscribe(channel, (body, of) => this.fault(body, (passed) => handler(passed, of)));
  }
}

export interface InProcessOptions {
  readonly windowMs?: number;
  readonly wholeValueRate?: number;
  /** Replaces methods of the stream reader. */
  readonly reader?: Partial<StreamReader>;
  /** @default there are no tokens */
  readonly verifyToken?: VerifyToken;
}

const refuseTokens: VerifyToken = async () => Promise.reject(new Error("there are no tokens here"));

type CountedMetric =
  | ("connections" | "connectionsRefused" | "rooms" | "messages" | "gaps" | "replaced")
  | ("stateMismatches" | "stateReloads" | "stateDamaged");

const includes = (all: object, some: object): boolean =>
  Object.entries(some).every(([name, value]) =>
    Object.entries(all).some((each) => each[0] === name && each[1] === value),
  );

export async function startInProcess(
  redis: Pick<TestRedis, "commands" | "addSubscriber">,
  options: InProcessOptions = {},
): Promise<InProcessGateway> {
  const failures: string[] = [];
  const onError = (_: unknown, stage = "other"): void => void failures.push(stage);
  const http = createServer();
  const io = new Server(http, { transports: ["websocket"], serveClient: false });
  const namespace: GatewayNamespace = io.of("/ws");
  const metrics = createMetrics();
  const fanOut = new FanOut({
    ...{
      isDirect: true,
      isCompressed: false,
      compressionMemoryBytes: 0,
      windowMs: options.windowMs ?? 0,
      heartbeatDeferMs: 20,
    },
    ...{ maximumWaitingBytes: 10_000_000, onError, onReplaced: () => metrics.replaced.inc() },
  });
  const clock = new RedisClock();
  clock.sample("the only primary", [Math.floor(Date.now() / 1_000), 0]);
  const pubSub = new FaultyPubSub({ subscriber: redis.addSubscriber(), onError });
  const hub = new StreamHub({
    ...{ pubSub, clock, metrics, onError },
    reader: { ...createStreamReader(redis.commands), ...options.reader },
    readState: (stream) => readState(redis.commands, stream),
    wholeValueRate: options.wholeValueRate ?? 4,
    send: (target, content) => fanOut.send(target, content),
  });
  const { verifyToken = refuseTokens } = options;
  limitTraffic(io.engine, metrics);
  namespace.use(authenticateHandshake(verifyToken, metrics));
  namespace.on("connection", (socket) => {
    new Connection(socket, { hub, fanOut, metrics, verifyToken, maximumSubscriptions: 10, onError });
  });
  await once(http.listen(0, "127.0.0.1"), "listening");
  const { port } = http.address() as AddressInfo;
  const clients: TestClient[] = [];
  return {
    ...{ hub, fanOut, pubSub, metrics, failures, port },
    async connect(token) {
      const client = await connectClient(`http://127.0.0.1:${port}`, { reconnection: false, token });
      clients.push(client);
      const socket = namespace.sockets.get(client.socket.id as never);
      if (!socket) throw new Error("the server does not know the client");
      return { client, socket };
    },
    async count(metric, labels = {}) {
      const { values } = await metrics[metric].get();
      return values.filter((each) => includes(each.labels, labels)).reduce((sum, { value }) => sum + value, 0);
    },
    async stop() {
      for (const client of clients) client.close();
      fanOut.close();
      await io.close();
    },
  };
}
