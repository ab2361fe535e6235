import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import { timeOf } from "../../contract/ids.ts";
import { parseServerFrames } from "../../contract/managed-edge.ts";
import { type Counts, costOf, noCounts } from "./counts.ts";
import type { BenchEdge } from "./setup.ts";

export interface RunOptions {
  readonly channel: "market:prices" | "market:trades";
  readonly clients: number;
  readonly markets: number;
  /** Updates a second, over all markets. */
  readonly rate: number;
  readonly seconds: number;
}

/** One way of sending the same updates. */
export interface Row {
  readonly updates: string;
  readonly conflated: string;
  readonly packed: string;
  readonly posts: number;
  /** From Redis to the client, in ms; depends on the machine. */
  readonly "delay p95": number;
  /** Posts for one update of one client. */
  readonly "posts per update": string;
  /** Of API Gateway and of all else, for a million updates delivered. */
  readonly "$ per million": string;
  readonly "of it messages": string;
}

/** Interval between batches of updates, in ms: a publisher handles events in batches. */
const TICK_MS = 10;

function toMessage({ channel, markets }: RunOptions, number: number): ChannelMessage {
  const marketId = `market-${number % markets}`;
  const time = Date.now();
  const common = { key: marketId, eventId: `event-${channel}-${number}`, version: number, versionEpoch: "bench" };
  if (channel === "market:prices") return { ...common, channel, data: { marketId, yes: "0.42", no: "0.58", time } };
  const trade = { exchange: "example", outcome: "yes", side: "buy", price: "0.42", size: "100" } as const;
  return { ...common, channel, data: { id: `trade-${number}`, marketId, ...trade, time } };
}

interface BenchClient {
  readonly socket: WebSocket;
  /** Delay of each message, in ms. */
  readonly delays: readonly number[];
}

async function connect({ url }: BenchEdge, channel: string): Promise<BenchClient> {
  const socket = new WebSocket(url);
  const delays: number[] = [];
  const subscribed = new Promise<void>((resolve) => {
    socket.on("message", (data) => {
      for (const frame of parseServerFrames(data.toString())) {
        if (frame.event === "data") delays.push(Date.now() - timeOf(frame.data.id));
        else if (frame.event === "subscribed") resolve();
      }
    });
  });
  await once(socket, "open");
  socket.send(JSON.stringify({ event: "subscribe", data: { channel } }));
  await subscribed;
  return { socket, delays };
}

async function publishAll(edge: BenchEdge, options: RunOptions): Promise<number> {
  const started = performance.now();
  let sent = 0;
  while (performance.now() - started < options.seconds * 1_000) {
    const due = Math.floor(((performance.now() - started) / 1_000) * options.rate);
    const batch = Array.from({ length: due - sent }, (_, index) => toMessage(options, sent + index + 1));
    sent += batch.length;
    if (batch.length > 0) await edge.publisher.publish(batch);
    await delay(TICK_MS);
  }
  while (edge.queue.size() > 0) await delay(TICK_MS);
  return sent;
}

const difference = (after: Counts, before: Counts): Counts => {
  const result = noCounts();
  for (const name of Object.keys(result) as (keyof Counts)[]) result[name] = after[name] - before[name];
  return result;
};

/** Sends updates to clients of the whole channel; the rows with each message in a post of its own, and packed. */
export async function measure(edge: BenchEdge, options: RunOptions): Promise<Row[]> {
  const clients = await Promise.all(Array.from({ length: options.clients }, () => connect(edge, options.channel)));
  const before = { ...edge.counts };
  const updates = await publishAll(edge, options);
  const counts = difference(edge.counts, before);
  const delays = clients.flatMap((client) => client.delays).sort((a, b) => a - b);
  const delivered = delays.length;
  for (const { socket } of clients) socket.terminate();
  const due = updates * options.clients;
  const toRow = (packed: string, posts: number, billed: number): Row => {
    const { messages, others } = costOf(counts, billed);
    const million = 1e6 / due;
    return {
      updates: `${options.rate}/s, ${options.channel}`,
      conflated: options.channel === "market:prices" ? `yes, ${((100 * delivered) / due).toFixed(0)} % left` : "no",
      packed,
      posts,
      "delay p95": delays[Math.floor(delivered * 0.95)] ?? 0,
      "posts per update": (posts / due).toFixed(3),
      "$ per million": ((messages + others) * million).toFixed(2),
      "of it messages": (messages * million).toFixed(2),
    };
  };
  return [toRow("no", delivered, delivered), toRow("yes", counts.posts, counts.billedPosts)];
}
