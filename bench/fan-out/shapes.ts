import type { Measure } from "./measurement.ts";
import type { Carried } from "./message.ts";
import { type ServerName, usualServers } from "./servers/servers.ts";
import type { TopologyName } from "./topologies.ts";

/**
 * The messages sent, in events of several messages each, spread over the rooms in turn:
 * - `open`: at a fixed rate, whatever the server does with it.
 * - `closed`: the next event goes out as one is delivered whole; `outstanding` are under way.
 * - `half`: as `open`, at half of the rate that the same server took in the closed loop just before.
 * - `mixed`: the topology's own events, at their own times.
 */
export type Traffic =
  | {
      readonly kind: "open";
      /** The kind of data in the messages. @default the first that the topology has */
      readonly carries?: Carried;
      readonly perEvent: number;
      readonly eventsPerSecond: number;
      readonly seconds: number;
    }
  | { readonly kind: "closed"; readonly perEvent: number; readonly outstanding: number; readonly seconds: number }
  | { readonly kind: "half"; readonly perEvent: number; readonly seconds: number }
  | { readonly kind: "mixed"; readonly seconds: number };

/** One kind of trial: traffic, or something about the connections themselves. */
export type Trial =
  | { readonly kind: "traffic"; readonly traffic: Traffic }
  /** `clients` connect at once, `window` handshakes under way, after as many as are needed to warm up. */
  | { readonly kind: "connect"; readonly warmUp: number; readonly clients: number; readonly window: number }
  /** Memory with the first clients against memory with all of them, nothing being sent. */
  | { readonly kind: "idle"; readonly first: number; readonly all: number }
  /** The first clients stop reading while all are sent to at full rate. */
  | { readonly kind: "stalled"; readonly clients: number; readonly traffic: Traffic };

export interface Shape {
  readonly title: string;
  readonly topology: TopologyName;
  readonly trial: Trial;
  /** The figure that the servers are compared by. */
  readonly compares: Measure;
  /** Most runs: where a run is long, or hardly differs from another. */
  readonly maximumRuns?: number;
  /** For a shape with a long run: the servers that are measured unless others are asked for. */
  readonly servers?: readonly ServerName[];
}

/** The loop that finds out how much a server takes at most. */
export const SATURATION = { kind: "closed", perEvent: 20, outstanding: 2, seconds: 1.5 } as const;

const STORM: Trial = { kind: "connect", warmUp: 500, clients: 2_000, window: 100 };

const DEFAULT_STALLED_SECONDS = 60;
const DEFAULT_MIXED_SECONDS = 60;

const traffic = (title: string, topology: TopologyName, what: Traffic): Shape => ({
  ...{ title, topology, compares: "cpuMicrosPerDelivery", trial: { kind: "traffic", traffic: what } },
});

const open = (perEvent: number, eventsPerSecond: number, seconds: number): Traffic & { readonly kind: "open" } => ({
  ...{ kind: "open", perEvent, eventsPerSecond, seconds },
});

/** Ways to bring books and portfolios to clients. */
const bookServers: readonly ServerName[] = ["gateway", "whole", "compressed", "stock", "uws"];

/** 1,000 messages a second over 50 markets: 20 for each. */
const perMarket = (carries: Carried): Traffic => ({ ...open(5, 200, 1.5), kind: "open", carries });

const bookShape = (carries: Carried, levels: number): Shape => ({
  ...traffic(
    `books of ${levels} levels a side of 50 markets, 20 a second each, one level changed, to rooms of 60`,
    "markets",
    perMarket(carries),
  ),
  servers: bookServers,
});

export const shapeNames = [
  "singles",
  "singles-100",
  "singles-500",
  "bursts",
  "saturation",
  "half-saturation",
  "compression",
  "market-trades",
  "book-8",
  "book-100",
  "book-200",
  "books-of-five",
  "portfolio",
  "mixed",
  "rooms",
  "small-rooms",
  "private",
  "handshakes",
  "connect",
  "idle",
  "stalled",
] as const;

export type ShapeName = (typeof shapeNames)[number];

/** How long the shapes last that take longest. */
export interface Durations {
  readonly stalledSeconds?: number | undefined;
  readonly mixedSeconds?: number | undefined;
}

/** In the order in which they are measured: some build on what others found. */
export const createShapes = ({
  stalledSeconds = DEFAULT_STALLED_SECONDS,
  mixedSeconds = DEFAULT_MIXED_SECONDS,
}: Durations = {}): Readonly<Record<ShapeName, Shape>> => ({
  singles: traffic("single messages, 50 a second, to 1,000 clients of one room", "one-room", open(1, 50, 2)),
  "singles-100": {
    ...traffic("single messages, 100 a second, to 1,000 clients of one room", "one-room", open(1, 100, 1.5)),
    servers: [...usualServers, "wide-window"],
  },
  "singles-500": traffic("single messages, 500 a second, to 1,000 clients of one room", "one-room", open(1, 500, 0.6)),
  bursts: traffic("20 messages at once, every 500 ms, to 1,000 clients of one room", "one-room", open(20, 2, 2)),
  saturation: {
    ...traffic("20 messages as soon as 20 are delivered, two such loops, 1,000 clients", "one-room", SATURATION),
    compares: "deliveriesPerSecond",
  },
  "half-saturation": traffic("20 messages at once, at half of the server's own saturated rate", "one-room", {
    ...{ kind: "half", perEvent: 20, seconds: 1.5 },
  }),
  compression: {
    ...traffic("20 different trades every 100 ms, to 1,000 clients: as they are, and compressed", "one-room", {
      ...{ kind: "open", perEvent: 20, eventsPerSecond: 10, seconds: 2 },
    }),
    compares: "bytesPerDelivery",
    servers: ["gateway", "compressed"],
  },
  "market-trades": {
    ...traffic("trades of 50 markets, 20 a second each, to rooms of 60", "markets", perMarket("trade")),
    servers: bookServers.filter((server) => server !== "whole"),
  },
  "book-8": bookShape("book-8", 8),
  "book-100": bookShape("book-100", 100),
  "book-200": bookShape("book-200", 200),
  "books-of-five": {
    ...traffic("books of 100 levels, 20 a second in turn, to 40 rooms of 5 clients", "books-of-five", open(1, 20, 4)),
    servers: ["gateway", "compressed"],
  },
  portfolio: {
    ...traffic("portfolios of 100 positions of 200 users, 2 a second each, three prices moved", "portfolios", {
      ...open(10, 40, 2),
    }),
    servers: bookServers,
  },
  mixed: {
    ...traffic(
      `${mixedSeconds} s of all eight channels to 600 clients of an application: 120 signed in, 240 pages of 5 markets, 240 dashboards`,
      "application",
      { kind: "mixed", seconds: mixedSeconds },
    ),
    compares: "cpuMicrosPerMessage",
    maximumRuns: 1,
    servers: bookServers,
  },
  rooms: traffic("1,000 clients in 5 of 50 rooms each; 100 messages over the rooms, saturated", "fifty-rooms", {
    ...{ kind: "closed", perEvent: 100, outstanding: 2, seconds: 1.5 },
  }),
  "small-rooms": traffic("250 rooms of 4 clients, 1,000 messages a second", "small-rooms", open(20, 50, 1.5)),
  private: traffic("1,000 users, 1,000 messages a second, each to one of them", "private", open(10, 100, 1.5)),
  handshakes: {
    title: "2,000 clients connect, 100 under way at a time, and ask for nothing",
    topology: "silent-storm",
    trial: STORM,
    compares: "cpuMicrosPerHandshake",
  },
  connect: {
    title: "2,000 clients connect and subscribe, 100 under way at a time",
    topology: "storm",
    trial: STORM,
    compares: "cpuMicrosPerHandshake",
  },
  idle: {
    title: "memory of 10,000 idle connections: what one takes, by the slope from 2,000",
    topology: "idle",
    trial: { kind: "idle", first: 2_000, all: 10_000 },
    compares: "bytesPerConnection",
    maximumRuns: 2,
  },
  stalled: {
    title: `100 of 2,000 clients stop reading; the others at full rate for ${stalledSeconds} s`,
    topology: "crowd",
    trial: { kind: "stalled", clients: 100, traffic: { ...SATURATION, seconds: stalledSeconds } },
    compares: "rssPeakBytes",
    maximumRuns: 1,
    servers: ["gateway", "stock"],
  },
});
