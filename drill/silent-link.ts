import { writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { RealtimeClient } from "@vezta/realtime-client";
import { io } from "socket.io-client";
import * as z from "zod";
import { startEdge } from "../bench/client/edges.ts";
import { parseEnvironment, redisEnvironment } from "../kernel/env.ts";
import { connectPublisher } from "../kernel/redis/redis.ts";
import { createPublisher, type Publisher } from "../kernel/streams/publisher.ts";
import { startGateway } from "../local/gateway.ts";
import { createIssuer } from "../local/issuer.ts";
import { startRedis } from "../local/redis.ts";
import { anyOf, readCommandLine, wholeNumber } from "../tools/command-line.ts";
import { installGlobalEvents, signalOnline } from "./global-events.ts";
import { type LinkProxy, openLinkProxy } from "./link-proxy.ts";
import { createMessage, named } from "./messages.ts";
import { until } from "./until.ts";

const PUBLISH_MS = 100;
const LIVE_TIMEOUT_MS = 120_000;

/** Heartbeats and pings come every few seconds: silence begins anywhere between two of them. */
const PHASE_MS = 5_000;

/** Longest that a run may take, in ms; one that takes longer counts as this. */
const LONGEST_MS = 180_000;

const stream = named({ channel: "market:trades", key: "silent" });

/** One way to data with a link in it, and a client at its end. */
interface Rig {
  readonly link: LinkProxy;
  readonly publisher: Publisher;
  /** Time when the newest message that has arrived was published, in ms since 1970. */
  readonly newest: () => number;
  readonly isLive: () => boolean;
  stop(): Promise<void>;
}

interface Case {
  readonly open: () => Promise<Rig>;
  /** True if the client gets a signal that it is online again. */
  readonly hasSignal: boolean;
}

interface Result {
  readonly case: string;
  readonly runs: number;
  /** From the silence until the client has a message that was published after it, in ms. */
  readonly p50Ms: number;
  readonly maximumMs: number;
  readonly eachMs: readonly number[];
}

/** A stock client on a gateway whose connections to Redis go through the link. */
async function openRedisSide(): Promise<Rig> {
  const [redis, issuer, link] = [await startRedis(), await createIssuer(), await openLinkProxy()];
  link.setTarget(redis.port);
  const commands = connectPublisher(parseEnvironment(redisEnvironment, { RT_REDIS_URL: redis.url }), () => undefined);
  const gateway = await startGateway({
    ...issuer.env,
    RT_REDIS_URL: `redis://127.0.0.1:${link.port}`,
    RT_LOG_LEVEL: "silent",
  });
  const socket = io(`${gateway.url}/ws`, { transports: ["websocket"], forceNew: true });
  let newest = 0;
  socket.on("connect", () => socket.emit("subscribe", { channel: stream.channel, marketId: stream.key }));
  socket.on("data", ({ data }: { data: { time: number } }) => {
    newest = Math.max(newest, data.time);
  });
  return {
    ...{ link, publisher: createPublisher(commands), newest: () => newest, isLive: () => Date.now() - newest < 1_000 },
    async stop() {
      socket.disconnect();
      await gateway.stop();
      commands.disconnect();
      await link.close();
      await redis.stop();
    },
  };
}

/** The platform's client with its defaults, connected through the link. */
async function openClientSide(edge: "gateway" | "managed"): Promise<Rig> {
  const measured = await startEdge(edge);
  const link = await openLinkProxy();
  link.setTarget(measured.port);
  const client = new RealtimeClient({ url: measured.urlOn(link.port), token: null });
  let newest = 0;
  const subscription = client.subscribe("market:trades", {
    marketId: stream.key ?? "",
    onMessage: ({ data }) => {
      newest = Math.max(newest, data.time);
    },
  });
  return {
    ...{ link, publisher: measured.publisher, newest: () => newest },
    isLive: () => subscription.status === "live" && Date.now() - newest < 1_000,
    async stop() {
      client.close();
      await link.close();
      await measured.stop();
    },
  };
}

const cases = {
  "gateway-redis": { open: openRedisSide, hasSignal: false },
  "sdk-gateway": { open: () => openClientSide("gateway"), hasSignal: false },
  "sdk-gateway-online": { open: () => openClientSide("gateway"), hasSignal: true },
  "sdk-managed": { open: () => openClientSide("managed"), hasSignal: false },
  "sdk-managed-online": { open: () => openClientSide("managed"), hasSignal: true },
} satisfies Readonly<Record<string, Case>>;

type CaseName = keyof typeof cases;

const caseNames = Object.keys(cases) as readonly CaseName[];

/** Publishes ten messages a second until the function that it returns is called; what fails is not tried again. */
function publishSteadily(publisher: Publisher): () => void {
  let number = 0;
  const timer = setInterval(() => {
    number += 1;
    const message = createMessage(stream, number, { time: Date.now() });
    publisher.publish([{ ...message, eventId: `${message.eventId}/${process.pid}` }]).catch(() => undefined);
  }, PUBLISH_MS);
  return () => clearInterval(timer);
}

async function measure({ link, newest, isLive }: Rig, hasSignal: boolean): Promise<number> {
  await until("data before the silence", LIVE_TIMEOUT_MS, isLive);
  await delay(Math.random() * PHASE_MS);
  const since = Date.now();
  link.silence();
  if (hasSignal) signalOnline();
  await until("data after the silence", LONGEST_MS, () => newest() > since).catch(() => undefined);
  const elapsed = Math.min(LONGEST_MS, Date.now() - since);
  link.clear();
  return elapsed;
}

async function run(name: string, { open, hasSignal }: Case, runs: number): Promise<Result> {
  const rig = await open();
  const stop = publishSteadily(rig.publisher);
  const eachMs: number[] = [];
  try {
    for (let index = 0; index < runs; index += 1) eachMs.push(await measure(rig, hasSignal));
  } finally {
    stop();
    await rig.stop();
  }
  const sorted = eachMs.toSorted((a, b) => a - b);
  return {
    ...{ case: name, runs, eachMs },
    p50Ms: sorted[Math.floor(sorted.length / 2)] ?? 0,
    maximumMs: sorted.at(-1) ?? 0,
  };
}

const options = readCommandLine({
  usage: `npm run bench:silence -- [--runs N] [--cases a,b] [--json FILE]\n\ncases: ${caseNames.join(", ")}`,
  texts: ["runs", "cases", "json"],
  schema: z.object({ runs: wholeNumber(5), cases: anyOf(caseNames), json: z.string().optional() }),
});
installGlobalEvents();
const results: Result[] = [];
console.log(`${"case".padEnd(22)}${"runs".padStart(6)}${"p50 ms".padStart(10)}${"max ms".padStart(10)}`);
for (const name of options.cases) {
  const result = await run(name, cases[name], options.runs);
  results.push(result);
  const cells = [
    String(result.runs).padStart(6),
    String(result.p50Ms).padStart(10),
    String(result.maximumMs).padStart(10),
  ];
  console.log(result.case.padEnd(22) + cells.join(""));
}
if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(results, null, 2)}\n`);
process.exit();
