import { setTimeout as delay } from "node:timers/promises";
import { judge, type Verdict } from "../judge.ts";
import { markets, named, users } from "../messages.ts";
import type { StreamTruth } from "../truth.ts";
import { SdkDrillClient } from "./sdk-drill-client.ts";
import { StockDrillClient } from "./stock-drill-client.ts";

/** Connections that are opened a second at the start. */
const OPEN_RATE = 150;
const OPEN_PAUSE_MS = 100;

export const clientKinds = ["sdk", "stock"] as const;
export type ClientKind = (typeof clientKinds)[number];

/** What the process is asked for, by the name of the request. */
export interface ClientRequests {
  /** Opens the clients, every second one with the SDK. Answered once all were opened, not when they are connected. */
  open: { url: string; count: number; tokens: Readonly<Record<string, string>> };
  /** Answered with the number of clients that have what they asked for. */
  countSettled: undefined;
  /** Forgets what was seen so far. */
  reset: undefined;
  /** Answered with a `ClientReport`. */
  report: { truths: readonly (readonly [string, StreamTruth])[] };
}

export interface ClientReport {
  readonly verdict: Verdict;
  /** The longest time without its channels of each client, in ms. */
  readonly darkMs: Readonly<Record<ClientKind, readonly number[]>>;
  readonly stranded: readonly string[];
}

type DeployClient = SdkDrillClient | StockDrillClient;

const clients: DeployClient[] = [];

/** The streams of each client: the trades of one market, and the orders of one user. */
function createClient(index: number, { url, tokens }: ClientRequests["open"]): DeployClient {
  // Clients of both kinds on each stream.
  const place = Math.floor(index / 2);
  const user = users[place % users.length] ?? "";
  const market = markets[place % markets.length];
  const streams = [named({ channel: "market:trades", key: market }), named({ channel: "user:orders", key: user })];
  const options = { url, streams, token: tokens[user] ?? "" };
  return index % 2 === 0
    ? new SdkDrillClient({ ...options, name: `sdk ${index}` })
    : new StockDrillClient({ ...options, name: `stock ${index}`, user });
}

async function open(request: ClientRequests["open"]): Promise<void> {
  while (clients.length < request.count) {
    const end = Math.min(request.count, clients.length + (OPEN_RATE * OPEN_PAUSE_MS) / 1_000);
    while (clients.length < end) clients.push(createClient(clients.length, request));
    await delay(OPEN_PAUSE_MS);
  }
}

function report({ truths }: ClientRequests["report"]): ClientReport {
  const witnesses = clients.map((client) => ({
    name: client.name,
    streams: client.streams,
    journal: client.journal,
    positions: client.positions(),
  }));
  const darkOf = (kind: ClientKind): number[] =>
    clients.filter(({ name }) => name.startsWith(kind)).map(({ darkness }) => darkness.longestMs);
  return {
    verdict: judge(witnesses, new Map(truths)),
    darkMs: { sdk: darkOf("sdk"), stock: darkOf("stock") },
    stranded: clients.filter(({ darkness }) => !darkness.isOver).map(({ name }) => name),
  };
}

const handlers: { readonly [R in keyof ClientRequests]: (content: ClientRequests[R]) => unknown } = {
  open,
  countSettled: () => clients.filter(({ darkness }) => darkness.isOver).length,
  reset: () => {
    for (const client of clients) client.reset();
  },
  report,
};

/** One request over the channel to this process. */
export interface Envelope<R extends keyof ClientRequests = keyof ClientRequests> {
  readonly id: number;
  readonly request: R;
  readonly content: ClientRequests[R];
}

async function serve<R extends keyof ClientRequests>({ id, request, content }: Envelope<R>): Promise<void> {
  try {
    process.send?.({ id, result: await handlers[request](content) });
  } catch (error) {
    process.send?.({ id, error: String(error) });
  }
}

process.on("message", (envelope: Envelope) => void serve(envelope));
