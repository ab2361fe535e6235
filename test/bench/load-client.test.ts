import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { LoadClient } from "../../bench/fan-out/load-client.ts";
import { nowMicros } from "../../bench/fan-out/message.ts";

interface Peer {
  readonly socket: WebSocket;
  readonly stream: Duplex;
  readonly heard: string[];
}

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A real WebSocket server that answers what it is asked with `yes`, and lets the test write to the connections. */
async function serve() {
  const peers: Peer[] = [];
  const http = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  http.on("upgrade", (request, stream, head) =>
    sockets.handleUpgrade(request, stream, head, (socket) => {
      const heard: string[] = [];
      peers.push({ socket, stream, heard });
      socket.on("message", (text) => {
        heard.push(String(text));
        if (String(text).startsWith("ask")) socket.send("yes");
      });
    }),
  );
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  ends.push(() => {
    for (const { socket } of peers) socket.terminate();
    http.close();
  });
  return { peers, port: (http.address() as AddressInfo).port };
}

async function connect(clients: number) {
  const server = await serve();
  const scripts = [["C /", "> ask one", "< yes", "> ask two", "< yes"]];
  const client = await LoadClient.start({ port: server.port, scripts, maximumConnections: clients });
  ends.push(() => client.stop());
  const { ready } = await client.connect(clients);
  expect(ready).toBe(clients);
  return { ...server, client };
}

const text = (size: number): string => `@${String(nowMicros() - 50_000).padStart(16, "0")}`.padEnd(size, ".");

function frame(content: string): Buffer {
  const length = Buffer.byteLength(content);
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = 0x81;
  head[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, Buffer.from(content)]);
}

const deliveries = (client: LoadClient) => expect.poll(async () => (await client.report()).deliveries);

describe("the load client", () => {
  it("sends every message of its script, in order", async () => {
    const { peers } = await connect(3);

    expect(peers.map(({ heard }) => heard)).toEqual(Array(3).fill(["ask one", "ask two"]));
  });

  it("counts frames of every length, however TCP splits and merges them", async () => {
    const { client, peers } = await connect(2);
    const sizes = [17, 100, 125, 126, 260, 65_535, 65_536, 200_000];
    const bytes = Buffer.concat(sizes.flatMap((size) => [frame(text(size)), frame("no message")]));

    await client.begin(0, () => undefined);
    for (const { stream } of peers) stream.write(bytes);
    await deliveries(client).toBe(2 * sizes.length);
    await client.begin(0, () => undefined);
    for (let start = 0, step = 1; start < bytes.length; start += step, step = step * 2 + 1) {
      for (const { stream } of peers) stream.write(bytes.subarray(start, start + step));
      await turn();
    }

    await deliveries(client).toBe(2 * sizes.length);
    expect(await client.report()).toMatchObject({ fewest: sizes.length, most: sizes.length, closed: 0 });
  });

  it("counts a frame once its last byte has arrived", async () => {
    const { client, peers } = await connect(1);
    const bytes = frame(text(260));

    await client.begin(0, () => undefined);
    peers[0]?.stream.write(bytes.subarray(0, -1));
    await expect.poll(async () => (await client.report()).bytes).toBe(bytes.length - 1);
    expect((await client.report()).deliveries).toBe(0);
    peers[0]?.stream.write(bytes.subarray(-1));

    await deliveries(client).toBe(1);
  });

  it("times one connection in eight from when a message was due", async () => {
    const { client, peers } = await connect(16);

    await client.begin(0, () => undefined);
    for (const { socket } of peers) socket.send(text(260));
    await deliveries(client).toBe(16);

    const { samples, p50 = 0 } = await client.report();
    expect(samples).toBe(2);
    expect(p50).toBeGreaterThanOrEqual(50_000);
  });

  it("reports every step of deliveries", async () => {
    const { client, peers } = await connect(4);
    let steps = 0;

    await client.begin(4, () => {
      steps += 1;
    });
    for (const { stream } of peers) stream.write(Buffer.concat([frame(text(30)), frame(text(30)), frame(text(30))]));

    await expect.poll(() => steps).toBe(3);
  });

  it("answers the pings of WebSocket, Engine.IO and SocketCluster", async () => {
    const { peers } = await connect(1);
    const [peer] = peers;
    const pong = once(peer?.socket ?? process, "pong");

    peer?.socket.ping();
    peer?.socket.send("2");
    peer?.socket.send("");

    await pong;
    await expect.poll(() => peer?.heard.slice(2)).toEqual(["3", ""]);
  });

  it("stops reading stalled connections", async () => {
    const { client, peers } = await connect(4);

    await client.stall(1);
    await client.begin(0, () => undefined);
    for (const { socket } of peers) socket.send(text(260));
    await deliveries(client).toBe(3);

    expect(await client.report()).toMatchObject({ fewest: 1, most: 1 });
  });

  it("reports connections that the server closes", async () => {
    const { client, peers } = await connect(3);

    peers[1]?.socket.close();

    await expect.poll(async () => (await client.report()).closed).toBe(1);
  });

  it("fails with the server's response if the upgrade is refused", async () => {
    const http = createServer((_request, response) => response.writeHead(503).end()).listen(0, "127.0.0.1");
    await once(http, "listening");
    ends.push(() => http.close());
    const { port } = http.address() as AddressInfo;
    const client = await LoadClient.start({ port, scripts: [["C /", "< yes"]], maximumConnections: 1 });
    ends.push(() => client.stop());

    await expect(client.connect(1)).rejects.toThrow("upgrade refused: HTTP/1.1 503");
  });
});
