import { text } from "node:stream/consumers";
import { io } from "socket.io-client";
import { WebSocket } from "ws";
import * as z from "zod";
import { RealtimeClient } from "../../client/index.ts";
import { isChannel } from "../../contract/channels.ts";
import { NAMESPACE } from "../../contract/endpoints.ts";
import { MESSAGE_START } from "./message.ts";

/*
 * node application.program.ts KIND PORT, with the handshake of a load client on standard input: one client as an application
 * has it, which reads whole what it gets. Prints `ready` once it has what it asked for.
 */

const [kind, port] = process.argv.slice(2);
const url = `http://127.0.0.1:${port}`;
const handshake = await text(process.stdin);
const sent = handshake
  .split("\n")
  .filter((line) => line.startsWith("> "))
  .map((line) => line.slice(2));

const requestSchema = z.looseObject({ channel: z.string().optional(), marketId: z.string().optional() });
const subscribeStart = `42${NAMESPACE},`;
const connectStart = `40${NAMESPACE},`;

const requests = sent
  .filter((line) => line.startsWith(subscribeStart))
  .map((line) =>
    requestSchema.parse(z.tuple([z.string(), z.unknown()]).parse(JSON.parse(line.slice(subscribeStart.length)))[1]),
  );

function findToken(): string | undefined {
  const answer = sent.find((line) => line.startsWith(connectStart))?.slice(connectStart.length);
  return answer ? z.object({ token: z.string() }).parse(JSON.parse(answer)).token : undefined;
}

let awaited = 0;
const onAnswer = (): void => {
  awaited -= 1;
  if (awaited === 0) console.log("ready");
};

function startPackage(): void {
  const client = new RealtimeClient({ url, token: findToken() ?? null, onError: (error) => console.error(error) });
  awaited = requests.length;
  for (const { channel, marketId } of requests) {
    if (!isChannel(channel)) throw new RangeError(`there is no channel ${channel}`);
    let isLive = false;
    client.subscribe(channel, {
      ...(marketId === undefined ? {} : { marketId }),
      onMessage: () => undefined,
      onStatus(status) {
        if (status !== "live" || isLive) return;
        isLive = true;
        onAnswer();
      },
    });
  }
}

function startSocketIo(): void {
  const socket = io(`${url}${NAMESPACE}`, { transports: ["websocket"], auth: { token: findToken() } });
  awaited = requests.length;
  socket.on("data", () => undefined);
  socket.on("subscribed", onAnswer);
  socket.on("connect", () => {
    for (const request of requests) socket.emit("subscribe", request);
  });
}

function startWebSocket(): void {
  const socket = new WebSocket(url);
  awaited = sent.length;
  socket.on("open", () => {
    for (const room of sent) socket.send(room);
  });
  socket.on("message", (data) => {
    const message = String(data);
    if (message.startsWith(MESSAGE_START)) JSON.parse(message.slice(MESSAGE_START.length, -1));
    else onAnswer();
  });
}

const start = { package: startPackage, "socket.io": startSocketIo, websocket: startWebSocket }[String(kind)];
if (!start) throw new RangeError(`unknown kind of client: ${kind}`);
start();
