import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type WebSocket as ServerSocket, WebSocketServer } from "ws";
import { openManagedTransport } from "../../client/core/transport/managed-transport.ts";
import type { CloseReason, Transport } from "../../client/core/transport/transport.ts";

let server: WebSocketServer;
let transport: Transport | undefined;
beforeEach(async () => {
  server = new WebSocketServer({ port: 0 });
  await once(server, "listening");
});
afterEach(() => {
  transport?.close();
  server.close();
});

/** Everything that the listener of a transport was called with. */
interface Heard {
  readonly events: [string, unknown][];
  readonly reasons: CloseReason[];
  isOpen: boolean;
}

/** Connects, and resolves with the calls of its listener, the server's socket, and the subprotocols that it offered. */
async function connect({ token = null as string | null, pingIntervalMs = 60_000, path = "/" } = {}) {
  const heard: Heard = { events: [], reasons: [], isOpen: false };
  const arrives = once(server, "connection") as Promise<[ServerSocket, { headers: Record<string, string> }]>;
  transport = openManagedTransport({
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    token,
    connectTimeoutMs: 1_000,
    pingIntervalMs,
    listener: {
      onOpen: () => {
        heard.isOpen = true;
      },
      onEvent: (...event) => heard.events.push(event),
      onClose: (reason) => heard.reasons.push(reason),
    },
  });
  const [socket, { headers }] = await arrives;
  const received: { event: string; data?: unknown; id?: string }[] = [];
  socket.on("message", (data) => received.push(JSON.parse(String(data))));
  await expect.poll(() => heard.isOpen).toBe(true);
  return { heard, socket, received, transport, protocols: headers["sec-websocket-protocol"] };
}

describe("the transport of the managed edge", () => {
  it("sends the token beside the subprotocol, and offers none without a token", async () => {
    expect((await connect({ token: "a.b.c" })).protocols).toBe("vezta, a.b.c");
    expect((await connect()).protocols).toBeUndefined();
  });

  it("delivers single and packed frames in order, and an answer to its request", async () => {
    const { heard, socket, received, transport } = await connect();
    const answers: unknown[] = [];
    transport.request("subscribe", { channel: "market:prices" }, (answer) => answers.push(answer, heard.events.length));
    await expect.poll(() => received.length).toBe(1);
    const [{ id } = {}] = received;
    expect(received).toEqual([{ event: "subscribe", data: { channel: "market:prices" }, id }]);
    socket.send(JSON.stringify({ event: "data", data: 1 }));
    socket.send(
      JSON.stringify([
        { event: "data", data: 2 },
        { event: "subscribed", data: "yes", id },
        { event: "data", data: 3 },
      ]),
    );
    await expect.poll(() => heard.events).toEqual([1, 2, 3].map((data) => ["data", data]));
    expect(answers).toEqual(["yes", 2]);
  });

  it("fails all pending requests when API Gateway reports an error", async () => {
    const { heard, socket, received, transport } = await connect();
    const answers: unknown[] = [];
    transport.request("subscribe", {}, (answer) => answers.push(answer));
    await expect.poll(() => received.length).toBe(1);
    socket.send(JSON.stringify({ message: "Internal server error", connectionId: "c", requestId: "r" }));
    socket.send("no JSON");
    await expect.poll(() => answers).toMatchObject([{ code: "unavailable" }]);
    expect([heard.events, heard.reasons]).toEqual([[], []]);
  });

  it("pings, and closes a connection that does not answer", async () => {
    const { heard, received } = await connect({ pingIntervalMs: 50 });
    await expect
      .poll(() => heard.reasons)
      .toMatchObject([{ message: "no answer to a ping within 0.15 s", isDead: true }]);
    expect(received.every(({ event }) => event === "ping")).toBe(true);
    const other = await connect({ pingIntervalMs: 50 });
    other.socket.on("message", () => other.socket.send(JSON.stringify({ event: "pong", data: {} })));
    await expect.poll(() => other.received.length).toBeGreaterThan(6);
    expect(other.heard).toEqual({ isOpen: true, events: [], reasons: [] });
  });

  it("reports that the connection ended, unless the client closed it", async () => {
    const first = await connect();
    first.socket.close(4_000, "enough");
    await expect.poll(() => first.heard.reasons).toMatchObject([{ message: "enough" }]);
    const second = await connect();
    second.transport.close();
    await once(second.socket, "close");
    expect(second.heard.reasons).toEqual([]);
  });

  it("reports a connection that cannot be opened", async () => {
    const { heard } = await connect();
    expect(heard.isOpen).toBe(true);
    const reasons: CloseReason[] = [];
    const listener = {
      onOpen: () => undefined,
      onEvent: () => undefined,
      onClose: (reason: CloseReason) => void reasons.push(reason),
    };
    const options = { connectTimeoutMs: 1_000, pingIntervalMs: 1_000, listener };
    openManagedTransport({ ...options, url: "ws://127.0.0.1:1", token: null });
    openManagedTransport({ ...options, url: "ws://127.0.0.1:1", token: "not a token" });
    await expect.poll(() => reasons.length).toBe(2);
  });
});
