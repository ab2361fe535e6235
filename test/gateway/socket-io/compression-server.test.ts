import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { deflateRawSync } from "node:zlib";
import { Server } from "socket.io";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { sharedCompressionOptions } from "../../../gateway/socket-io/compression-server.ts";
import type { EngineConnection } from "../../../gateway/socket-io/engine-connection.ts";

const MAXIMUM_BYTES = 20_000;

const http = createServer();
const io = new Server(http, {
  ...{ transports: ["websocket"], serveClient: false, maxHttpBufferSize: MAXIMUM_BYTES },
  ...sharedCompressionOptions,
});
const received: string[] = [];
let connection: EngineConnection;

beforeAll(async () => {
  // Socket.IO would close the connection for texts that are no packets of its own.
  io.engine.removeAllListeners("connection");
  io.engine.on("connection", (opened: EngineConnection) => {
    connection = opened;
    opened.on("data", (data = "") => received.push(data));
  });
  await once(http.listen(0, "127.0.0.1"), "listening");
});
afterAll(() => io.close());

/** Connects a client that compresses all that it sends, as browsers do. */
async function connect(): Promise<WebSocket> {
  received.length = 0;
  const { port } = http.address() as AddressInfo;
  const url = `ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`;
  const client = new WebSocket(url, { perMessageDeflate: { threshold: 0 } });
  await once(client, "message");
  return client;
}

/** The decompressor that `ws` would have made for the connection by now. */
const keptInflate = (): unknown =>
  (connection.transport as never as { socket: { _extensions: Record<string, { _inflate: unknown }> } }).socket
    ._extensions["permessage-deflate"]?._inflate;

describe("what clients send compressed", () => {
  it("is read, whole or in fragments, without a decompressor that stays with the connection", async () => {
    const client = await connect();
    const texts = ["first", "é".repeat(5_000), "", "x".repeat(MAXIMUM_BYTES - 1), "last"];
    for (const text of texts) client.send(`4${text}`);
    client.send("4in ", { fin: false });
    client.send("three ", { fin: false });
    client.ping();
    client.send("fragments", { fin: true });
    client.send("4plain", { compress: false });
    await expect.poll(() => received).toEqual([...texts, "in three fragments", "plain"]);
    expect(keptInflate()).toBeNull();
    client.terminate();
  });

  it("closes the connection where it is larger than allowed, with the code for that", async () => {
    const client = await connect();
    client.send(`4${"x".repeat(MAXIMUM_BYTES)}`);
    const [code] = await once(client, "close");
    expect(code).toBe(1009);
    expect(received).toEqual([]);
  });

  it("closes the connection where it is malformed, with the code for that", async () => {
    const client = await connect();
    // A masked frame with RSV1 whose payload is no deflate stream.
    const socket = (client as never as { _socket: { write(data: Buffer): void } })._socket;
    socket.write(Buffer.from([0xc1, 0x83, 0, 0, 0, 0, 0xff, 0xff, 0xff]));
    const [code] = await once(client, "close");
    expect(code).toBe(1007);
  });

  it("is refused however small it was compressed", async () => {
    const client = await connect();
    const bomb = deflateRawSync(Buffer.alloc(50_000_000));
    expect(bomb.length).toBeLessThan(65_536);
    const head = Buffer.from([0xc1, 0xfe, bomb.length >> 8, bomb.length & 0xff, 0, 0, 0, 0]);
    (client as never as { _socket: { write(data: Buffer): void } })._socket.write(Buffer.concat([head, bomb]));
    const [code] = await once(client, "close");
    expect(code).toBe(1009);
  });
});
