import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

/** A frame of a client. */
export interface Request {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly id: string;
}

/** One connection of a client. */
export interface Peer {
  readonly requests: Request[];
  readonly socket: WebSocket;
  send(event: string, data: object, id?: string): void;
}

export interface FrameServer {
  readonly url: string;
  readonly peers: Peer[];
  /** Returns the requests of one event on all connections. */
  requestsOf(event: string): Request[];
  stop(): Promise<void>;
}

/** Answers like a service that has every stream, each without entries. */
export function answerPlainly(peer: Peer, { event, data, id }: Request): void {
  const { channel, marketId, lastId } = data;
  if (event === "ping") peer.send("pong", {}, id);
  else if (event === "unsubscribe") peer.send("unsubscribed", { channel, marketId }, id);
  else if (event === "subscribe") {
    const many = Array.isArray(marketId)
      ? { ids: Object.fromEntries(marketId.map((each) => [each, "0-0"])) }
      : undefined;
    const recovered = lastId === undefined ? {} : { recovered: true };
    peer.send("subscribed", { channel, marketId, ...(many ?? { id: lastId ?? "0-0" }), ...recovered }, id);
  }
}

/**
 * Starts a WebSocket server that speaks the frames of the managed edge, for behavior that the real one shows only by
 * accident or had in earlier versions.
 */
export async function startFrameServer(
  answer: (peer: Peer, request: Request) => void = answerPlainly,
  options: { readonly maxPayload?: number } = {},
): Promise<FrameServer> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
  const peers: Peer[] = [];
  await once(server, "listening");
  server.on("connection", (socket) => {
    const requests: Request[] = [];
    const peer: Peer = {
      requests,
      socket,
      send: (event, data, id) => socket.send(JSON.stringify({ event, data, ...(id === undefined ? {} : { id }) })),
    };
    peers.push(peer);
    socket.on("error", () => socket.terminate());
    socket.on("message", (text) => {
      const request: Request = { data: {}, ...JSON.parse(String(text)) };
      requests.push(request);
      answer(peer, request);
    });
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    peers,
    requestsOf: (event) => peers.flatMap(({ requests }) => requests.filter((request) => request.event === event)),
    async stop() {
      for (const { socket } of peers) socket.terminate();
      server.close();
      await once(server, "close");
    },
  };
}
