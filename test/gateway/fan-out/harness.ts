import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import type { DataMessage } from "../../../contract/messages.ts";
import { FanOut } from "../../../gateway/fan-out/fan-out.ts";
import type { FanOutOptions } from "../../../gateway/fan-out/fan-out-options.ts";
import type { Member } from "../../../gateway/fan-out/member.ts";
import { sharedCompressionOptions } from "../../../gateway/socket-io/compression-server.ts";
import type { GatewayNamespace, GatewaySocket } from "../../../gateway/socket-io/socket.ts";
import { type ClientOptions, connectClient, type TestClient } from "../../support/client.ts";

/** One client, seen from both ends. */
export interface Pair {
  readonly client: TestClient;
  readonly socket: GatewaySocket;
  readonly member: Member;
  hasOverflowed: boolean;
}

/** A Socket.IO server with a fan-out and nothing else of the gateway. */
export interface FanOutHarness {
  readonly url: string;
  readonly engine: Server["engine"];
  readonly fanOut: FanOut;
  connect(transports?: readonly string[], onOverflow?: () => void, options?: ClientOptions): Promise<Pair>;
  stop(): Promise<void>;
}

export async function startFanOut(options: Partial<FanOutOptions> = {}): Promise<FanOutHarness> {
  const http = createServer();
  const compression = options.isCompressed ? sharedCompressionOptions : {};
  const io = new Server(http, { transports: ["websocket", "polling"], serveClient: false, ...compression });
  const namespace: GatewayNamespace = io.of("/ws");
  io.of("/other");
  const fanOut = new FanOut({
    isDirect: true,
    isCompressed: false,
    compressionMemoryBytes: 33_554_432,
    windowMs: 5,
    heartbeatDeferMs: 20,
    maximumWaitingBytes: 10_000_000,
    onError: (error) => {
      throw error;
    },
    ...options,
  });
  await once(http.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const clients: TestClient[] = [];
  return {
    url,
    engine: io.engine,
    fanOut,
    async connect(transports = ["websocket"], onOverflow = () => undefined, options = {}) {
      const client = await connectClient(url, { transports: [...transports], ...options });
      clients.push(client);
      const socket = namespace.sockets.get(client.socket.id as never);
      if (!socket) throw new Error("the server does not know the client");
      const member = fanOut.connect(socket.conn, () => {
        pair.hasOverflowed = true;
        onOverflow();
      });
      socket.on("disconnect", () => fanOut.disconnect(member));
      const pair: Pair = { client, socket, member, hasOverflowed: false };
      return pair;
    },
    async stop() {
      for (const client of clients) client.close();
      fanOut.close();
      await io.close();
    },
  };
}

/** The `number`th entry of a stream whose chain is whole. */
export const entry = (marketId: string, number: number, padding = 0): DataMessage => ({
  channel: "market:trades",
  marketId,
  data: {
    id: `trade-${number}`,
    marketId,
    side: "buy",
    outcome: "yes",
    price: "0.5",
    size: "1",
    time: number,
  } as never,
  ...(padding > 0 ? { event: "x".repeat(padding) } : {}),
  id: `${number}-0`,
  prev: `${number - 1}-0`,
});
