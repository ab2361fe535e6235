import { once } from "node:events";
import { afterEach, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type ApiFunctions, startWebSocketApi, type WebSocketApi } from "../../local/managed-edge/web-socket-api.ts";

let api: WebSocketApi | undefined;
afterEach(() => api?.stop());

/** Events that the functions were called with. */
let routes: string[] = [];

const policy = (Effect: "Allow" | "Deny") => async () => ({ policyDocument: { Statement: [{ Effect }] } });

const routeOf = (event: unknown): string => Object(event).requestContext.routeKey;

const functions: ApiFunctions = {
  authorizer: policy("Allow"),
  connection: async (event) => {
    routes.push(routeOf(event));
    return { statusCode: 200 };
  },
  messages: async (event) => {
    routes.push(routeOf(event));
    return { statusCode: 200 };
  },
};

async function start(options: Partial<Parameters<typeof startWebSocketApi>[0]> = {}): Promise<WebSocketApi> {
  routes = [];
  api = await startWebSocketApi({ port: 0, functions, ...options });
  return api;
}

async function connect({ url }: WebSocketApi): Promise<WebSocket> {
  const socket = new WebSocket(url);
  await once(socket, "open");
  return socket;
}

const closeCode = async (socket: WebSocket): Promise<unknown> => (await once(socket, "close"))[0];

const manage = ({ managementUrl }: WebSocketApi, method: string, id: string, body?: string) =>
  fetch(`${managementUrl}/@connections/${encodeURIComponent(id)}`, { method, ...(body ? { body } : {}) });

it.each([
  ["401 where the authorizer says Unauthorized", { authorizer: () => Promise.reject(new Error("Unauthorized")) }, 401],
  ["500 where the authorizer fails", { authorizer: () => Promise.reject(new Error("no keys")) }, 500],
  ["403 where the authorizer denies", { authorizer: policy("Deny") }, 403],
  ["the status of $connect", { connection: async () => ({ statusCode: 409 }) }, 409],
  ["502 where $connect fails", { connection: () => Promise.reject(new Error("no table")) }, 502],
] as const)("refuses a connection with %s", async (_what, change, status) => {
  const { url } = await start({ functions: { ...functions, ...change } });
  const [error] = await once(new WebSocket(url), "error");
  expect(error.message).toContain(String(status));
});

it("routes by the event of a message, and the rest to $default", async () => {
  const socket = await connect(await start());
  for (const text of ['{"event":"ping"}', '{"event":"subscribe"}', '{"event":"shout"}', "no json"]) socket.send(text);
  await expect.poll(() => routes).toEqual(["$connect", "ping", "subscribe", "$default", "$default"]);
  socket.close();
  await expect.poll(() => routes.at(-1)).toBe("$disconnect");
});

it("sends the client an error if the function behind a route fails", async () => {
  const messages = () => Promise.reject(new Error("out of memory"));
  const socket = await connect(await start({ functions: { ...functions, messages } }));
  socket.send('{"event":"ping"}');
  const [text] = await once(socket, "message");
  expect(JSON.parse(text.toString())).toMatchObject({ message: "Internal server error" });
});

it("ends connections that are idle", async () => {
  expect(await closeCode(await connect(await start({ idleMs: 100 })))).toBe(1001);
});

it("ends connections that are old, however busy", async () => {
  const socket = await connect(await start({ idleMs: 10_000, lifetimeMs: 300 }));
  const chatter = setInterval(() => socket.send("{}"), 20);
  expect(await closeCode(socket)).toBe(1001);
  clearInterval(chatter);
});

it("ends connections that send a frame of more than 32 KB", async () => {
  const socket = await connect(await start());
  socket.send("x".repeat(32 * 1_024 + 1));
  expect(await closeCode(socket)).toBe(1009);
});

it("posts to, describes and ends connections, as @connections does", async () => {
  const running = await start();
  const socket = await connect(running);
  const [id = ""] = running.connectionIds();
  const received = once(socket, "message");
  expect((await manage(running, "POST", id, "hello")).status).toBe(200);
  expect(String((await received)[0])).toBe("hello");
  expect(await (await manage(running, "GET", id)).json()).toMatchObject({ connectedAt: expect.any(String) });
  expect((await manage(running, "POST", id, "x".repeat(128 * 1_024 + 1))).status).toBe(413);
  const closed = closeCode(socket);
  expect((await manage(running, "DELETE", id)).status).toBe(204);
  expect(await closed).toBe(1000);
  const gone = await manage(running, "POST", id, "hello");
  expect([gone.status, gone.headers.get("x-amzn-errortype")]).toEqual([410, "GoneException"]);
  expect((await manage(running, "GET", "nobody=")).status).toBe(410);
});
