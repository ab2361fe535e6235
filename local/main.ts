import picocolors from "picocolors";
import { io } from "socket.io-client";
import * as z from "zod";
import { NAMESPACE } from "../contract/endpoints.ts";
import { messageOf } from "../kernel/as-error.ts";
import { flag, parseEnvironment } from "../kernel/env.ts";
import { type LocalPlatform, startPlatform } from "./platform.ts";

const { bold, cyan, dim, green, red, yellow } = picocolors;

const environment = z.object({
  /** The port that everything is served on but the managed edge, which has the next one. */
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  /** Simulated events a second; 0 for none. */
  SIMULATOR_RATE: z.coerce.number().min(0).max(2_000).default(50),
  /** The same seed gives the same market. */
  SIMULATOR_SEED: z.coerce.number().int().default(1),
  /** Allows clients to use long polling. */
  POLLING: flag.default(false),
});

const elapsed = (): string => `${(performance.now() / 1_000).toFixed(1)} s`;
const print = (text: string): void => console.log(text);

function printHowTo({ port, edgePort }: LocalPlatform, token: string): void {
  print(`
${bold("Look")}       ${cyan(`http://localhost:${port}/`)}  everything at work, in a browser
${bold("Connect")}    ${cyan(`http://localhost:${port}${NAMESPACE}`)}  with any Socket.IO client
${bold("Token")}      for alice, an hour; more at ${cyan(`http://localhost:${port}/dev/token?sub=<user>`)}
${token}

${bold("A client")}   paste into ${cyan("node --input-type=module")} in this folder, then Ctrl-D:
import { io } from "socket.io-client";
const s = io("http://localhost:${port}${NAMESPACE}", { transports: ["websocket"], auth: { token: "${token}" } });
s.on("data", console.log); s.emit("subscribe", { channel: "market:trades" }); s.emit("subscribe", { channel: "user:orders" });

${bold("An event")}   to alice's orders:
curl -s localhost:${port}/dev/aws -H 'X-Amz-Target: AWSEvents.PutEvents' -d "{\\"Entries\\": [$(cat contract/examples/order-changed.json)]}"

${bold("Edge")}       the same over plain WebSockets: ${cyan(`new WebSocket("ws://localhost:${edgePort}/local", ["vezta", token])`)}, docs/managed-edge.md

${dim("Ctrl-C ends everything.")}
`);
}

/** Resolves once a client like any other has its first message. */
async function firstMessage(port: number): Promise<void> {
  const socket = io(`http://127.0.0.1:${port}${NAMESPACE}`, { transports: ["websocket"] });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.on("connect", () => socket.emit("subscribe", { channel: "market:prices" }));
      socket.once("data", () => resolve());
      socket.once("error", reject);
    });
  } finally {
    socket.disconnect();
  }
}

async function main(): Promise<void> {
  const config = parseEnvironment(environment, process.env);
  const platform = await startPlatform({
    port: config.PORT,
    edgePort: config.PORT === 0 ? 0 : config.PORT + 1,
    gateways: 2,
    eventsPerSecond: config.SIMULATOR_RATE,
    seed: config.SIMULATOR_SEED,
    hasPolling: config.POLLING,
    onProgress: (what) => print(`${green("✔")} ${what} ${dim(elapsed())}`),
    onNotice: (text) => print(`${yellow("!")} ${text}`),
  });
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    await platform.stop();
    process.exit(0);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void stop());
  printHowTo(platform, await platform.issuer.sign({ sub: "alice" }));
  if (config.SIMULATOR_RATE > 0) {
    await firstMessage(platform.port);
    print(`${green("✔")} ready: first message on a client ${bold(elapsed())} after the start`);
  } else print(`${green("✔")} ready ${dim(elapsed())}`);
}

main().catch((error: unknown) => {
  const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
  const advice = isTaken ? "\nThe port is taken; choose another: PORT=4000 npm start" : "";
  console.error(red(`cannot start: ${messageOf(error)}`) + advice);
  process.exit(1);
});
