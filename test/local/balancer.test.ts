import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { Server as SocketServer } from "socket.io";
import { io } from "socket.io-client";
import { afterEach, describe, expect, it } from "vitest";
import { Balancer } from "../../local/balancer.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Backend {
  readonly url: string;
  readonly server: Server;
  setReady(isReady: boolean): void;
}

/** A Socket.IO server that says its name. */
async function startBackend(name: string): Promise<Backend> {
  let ready = true;
  const server = createServer((request, response) => {
    if (request.url === "/readyz") response.writeHead(ready ? 200 : 503).end();
    else response.end(name);
  });
  const sockets = new SocketServer(server);
  sockets.on("connection", (socket) => socket.emit("name", name));
  await new Promise<void>((resolve) => server.listen(0, resolve));
  ends.push(() => sockets.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    setReady: (isReady) => {
      ready = isReady;
    },
  };
}

async function startBalancer(backends: readonly Backend[], isSticky = false) {
  const balancer = new Balancer({
    isSticky,
    serve: (request, response) => {
      if (request.url !== "/own") return false;
      response.end("own");
      return true;
    },
  });
  ends.push(() => balancer.close());
  for (const { url } of backends) await balancer.addTarget(url);
  const port = await balancer.listen(0);
  return { balancer, port, url: `http://127.0.0.1:${port}` };
}

/** Connects and resolves with the name of the server that it reached. */
function nameOf(url: string, transports = ["websocket"]): Promise<string> {
  const socket = io(url, { transports, forceNew: true, reconnection: false });
  ends.push(() => socket.disconnect());
  return new Promise((resolve, reject) => {
    socket.on("name", resolve);
    socket.on("connect_error", reject);
  });
}

const names = (url: string, count: number) => Promise.all(Array.from({ length: count }, () => nameOf(url)));

describe("the balancer", () => {
  it("spreads requests and WebSockets over the targets, and serves its own", async () => {
    const { url } = await startBalancer([await startBackend("a"), await startBackend("b")]);
    expect((await names(url, 6)).sort()).toEqual(["a", "a", "a", "b", "b", "b"]);
    const texts = await Promise.all([1, 2].map(async () => (await fetch(url)).text()));
    expect(texts.sort()).toEqual(["a", "b"]);
    expect(await (await fetch(`${url}/own`)).text()).toBe("own");
  });

  it("sends no connection to a target that is not ready, until it is ready again", async () => {
    const [a, b] = [await startBackend("a"), await startBackend("b")];
    const { balancer, url } = await startBalancer([a, b]);
    a.setReady(false);
    await expect.poll(() => balancer.healthyTargets).toEqual([b.url]);
    expect(new Set(await names(url, 4))).toEqual(new Set(["b"]));
    a.setReady(true);
    await expect.poll(() => balancer.healthyTargets.length).toBe(2);
    expect(new Set(await names(url, 4))).toEqual(new Set(["a", "b"]));
  });

  it("survives a target that dies with open connections, and clients that disappear", async () => {
    const [a, b] = [await startBackend("a"), await startBackend("b")];
    const { balancer, url, port } = await startBalancer([a, b]);
    await names(url, 4);
    for (let index = 0; index < 10; index += 1) {
      const socket = connect(port, "127.0.0.1", () => {
        socket.write(
          "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        );
        socket.resetAndDestroy();
      });
      socket.on("error", () => undefined);
    }
    a.server.closeAllConnections();
    a.server.close();
    await expect.poll(() => balancer.healthyTargets).toEqual([b.url]);
    expect(await names(url, 2)).toEqual(["b", "b"]);
  });

  it("answers 503 if no target is ready", async () => {
    const { url } = await startBalancer([]);
    expect((await fetch(url)).status).toBe(503);
    await expect(nameOf(url)).rejects.toThrow();
  });

  it("keeps a polling client on its target, by cookie", async () => {
    const backends = await Promise.all(["a", "b", "c"].map(startBackend));
    const { url } = await startBalancer(backends, true);
    const first = await fetch(url);
    const cookie = first.headers.get("set-cookie")?.split(";")[0] ?? "";
    const name = await first.text();
    for (let turn = 0; turn < 6; turn += 1) expect(await (await fetch(url, { headers: { cookie } })).text()).toBe(name);
  });
});
