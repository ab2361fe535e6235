import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { NAMESPACE } from "../../contract/endpoints.ts";
import { createMessage, named } from "../messages.ts";
import type { Scene } from "./scene.ts";

const SLOW_CLIENTS = 25;
const FLOOD_CLIENTS = 25;
const REFUSED_CLIENTS = 10;
const SLOW_USER = "slow";
const MESSAGES_AT_ONCE = 50;

/** Most messages of 12 KB that it takes until the buffers of the kernel are full and the gateway's limit is reached. */
const MAXIMUM_MESSAGES = 4_000;

/** Connects without a Socket.IO client, subscribes, and reads nothing from then on. */
function connectAndStall(url: string, token: string): WebSocket {
  const socket = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
  socket.on("error", () => undefined);
  socket.on("message", (data) => {
    const text = data.toString();
    if (text.startsWith("0")) socket.send(`40${NAMESPACE},${JSON.stringify({ token })}`);
    if (!text.startsWith(`40${NAMESPACE},`)) return;
    socket.send(`42${NAMESPACE},${JSON.stringify(["subscribe", { channel: "user:notifications" }])}`);
    setTimeout(() => socket.pause(), 500);
  });
  return socket;
}

/** Clients that do not read, and messages for them until the gateway has given all of them up. */
export async function stallConsumers(scene: Scene): Promise<() => Promise<void>> {
  const { gateways, issuer, publisher } = scene;
  const [gateway] = gateways;
  const token = await issuer.sign({ sub: SLOW_USER });
  const sockets = Array.from({ length: SLOW_CLIENTS }, () => connectAndStall(gateway?.url ?? "", token));
  const stream = named({ channel: "user:notifications", key: SLOW_USER });
  const message = (number: number) => {
    const of = createMessage(stream, number);
    // Six bytes of JSON a character.
    return { ...of, data: { ...of.data, body: "\u0001".repeat(2_000) } } as typeof of;
  };
  await delay(2_000);
  for (let sent = 0; sent < MAXIMUM_MESSAGES; sent += MESSAGES_AT_ONCE) {
    if (((await gateway?.metric("rt_slow_consumers_total")) ?? 0) >= SLOW_CLIENTS) break;
    await publisher.publish(Array.from({ length: MESSAGES_AT_ONCE }, (_, index) => message(sent + index)));
  }
  // How long it takes to fill the kernel's buffers is not scaled.
  scene.markBegin();
  return async () => {
    for (const socket of sockets) socket.terminate();
  };
}

/** More clients than a gateway has places for; each tries again, as stock clients do. */
export async function floodConnections(scene: Scene): Promise<() => Promise<void>> {
  const gateway = await scene.addGateway({ RT_MAX_CONNECTIONS: "5" });
  while (scene.checks.count("healthy") < scene.gateways.length) await delay(50);
  scene.markBegin();
  const sockets = Array.from({ length: FLOOD_CLIENTS }, () => scene.watcher.connect(gateway.url));
  return async () => {
    for (const socket of sockets) socket.disconnect();
  };
}

/** A gateway that has to fetch the issuer's keys, from where nobody listens. */
export async function hideIssuer(scene: Scene): Promise<() => Promise<void>> {
  const gateway = await scene.addGateway({
    RT_AUTH_JWKS: undefined,
    RT_AUTH_JWKS_URI: "https://127.0.0.1:1/keys",
  });
  while (scene.checks.count("healthy") < scene.gateways.length) await delay(50);
  const token = await scene.issuer.sign({ sub: "user" });
  scene.markBegin();
  const sockets = Array.from({ length: REFUSED_CLIENTS }, () => scene.watcher.connect(gateway.url, token));
  return async () => {
    for (const socket of sockets) socket.disconnect();
  };
}
