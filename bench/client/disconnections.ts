import { setTimeout as delay } from "node:timers/promises";
import { type Channel, type Edge, type Message, RealtimeClient } from "@vezta/realtime-client";
import { type LinkProxy, openLinkProxy } from "../../drill/link-proxy.ts";
import { until } from "../../drill/until.ts";
import { type MeasuredEdge, startEdge } from "./edges.ts";
import { startFeed } from "./feed.ts";
import { messageOf } from "./traffic.ts";
import { judge, type Verdict } from "./verdict.ts";

/** So many that the history of each stream covers half a minute at 1,000 messages a second. */
const USERS = Array.from({ length: 8 }, (_, index) => `user-${index}`);
const MARKETS = Array.from({ length: 10 }, (_, index) => `market-${index}`);
const PRIVATE = ["user:orders", "user:notifications", "user:portfolio", "user:copy-trade"] as const;
const PUBLIC = ["market:trades", "market:prices"] as const;

/** The longest that a link stays cut, in ms: shorter than what the history of every stream covers at this rate. */
const MAXIMUM_OUTAGE_MS = 500;

/** Time limit for the last messages to arrive, in ms. */
const SETTLE_MS = 60_000;

export interface DisconnectionOptions {
  readonly edge: Edge;
  /** Disconnections in all. */
  readonly count: number;
  /** Messages a second, in all. */
  readonly rate: number;
  readonly onProgress?: (disconnections: number) => void;
}

/** Combined observations of the applications of all clients. */
export interface DisconnectionResult {
  readonly edge: Edge;
  readonly disconnections: number;
  readonly seconds: number;
  readonly published: number;
  readonly publishedPerSecond: number;
  /** Messages that the applications got. */
  readonly delivered: number;
  /** Messages that an application did not get and was not told of. On `latest` streams: an old value at the end. */
  readonly holes: number;
  /** Messages that the service no longer held when an application came back, which was told so by `onGap`. */
  readonly heldNoLonger: number;
  readonly doubles: number;
  readonly outOfOrder: number;
  /** From the loss of a connection until all subscriptions were live again, in ms. */
  readonly resumeP50Ms: number;
  readonly resumeP99Ms: number;
  /** Of the edge itself. */
  readonly complaints: number;
}

interface Stream {
  readonly channel: Channel;
  readonly key: string;
}

function append(lists: Map<string, string[]>, name: string, id: string): void {
  const list = lists.get(name);
  if (list) list.push(id);
  else lists.set(name, [id]);
}

const nameOf = ({ channel, key }: Stream): string => `${channel} ${key}`;

const streams: readonly Stream[] = [
  ...PRIVATE.flatMap((channel) => USERS.map((key) => ({ channel, key }))),
  ...PUBLIC.flatMap((channel) => MARKETS.map((key) => ({ channel, key }))),
];

/** Four of five messages are private ones: they are what nobody may miss. */
function* traffic(): Generator<Stream, never> {
  const privates = streams.filter(({ channel }) => channel.startsWith("user:"));
  const publics = streams.filter(({ channel }) => channel.startsWith("market:"));
  for (let turn = 0; ; turn += 1) {
    const [list, index] = turn % 5 === 4 ? [publics, (turn - 4) / 5] : [privates, turn];
    const stream = list[index % list.length];
    if (stream) yield stream;
  }
}

/** One application: a client with all channels of its user, behind a link that can be cut. */
class Application {
  readonly user: string;
  readonly #client: RealtimeClient;
  readonly #link: LinkProxy;
  /** The ids that came, by stream. */
  readonly received = new Map<string, string[]>();
  readonly resumeMs: number[] = [];
  disconnections = 0;
  /** By stream, the ids after which something is lost. */
  readonly gaps = new Map<string, string[]>();
  #lostAt: number | undefined;
  #subscriptions: readonly ReturnType<RealtimeClient["subscribe"]>[] = [];

  constructor(user: string, edge: MeasuredEdge, link: LinkProxy) {
    this.user = user;
    this.#link = link;
    this.#client = new RealtimeClient({
      url: edge.urlOn(link.port),
      token: () => edge.issuer.sign({ sub: user }),
      backoff: { minimumMs: 20, maximumMs: 300 },
      pingIntervalMs: 2_000,
    });
    this.#client.onStatus((status) => {
      if (status === "connected" || this.#lostAt !== undefined) return;
      this.#lostAt = performance.now();
      this.disconnections += 1;
    });
  }

  get isLive(): boolean {
    return this.#subscriptions.length > 0 && this.#subscriptions.every(({ status }) => status === "live");
  }

  async start(): Promise<void> {
    this.#subscriptions = [...PRIVATE, ...PUBLIC].map((channel) =>
      this.#client.subscribe(channel, {
        onMessage: (message: Message) => this.#onMessage(message),
        onStatus: () => this.#onStatus(),
        onGap: ({ marketId, after }) => append(this.gaps, nameOf({ channel, key: marketId ?? this.user }), after),
      }),
    );
    await until(`the subscriptions of ${this.user}`, SETTLE_MS, () => this.isLive);
    this.disconnections = 0;
    this.#lostAt = undefined;
  }

  /** Loses the connection in one of the ways in which connections get lost. */
  async disconnect(): Promise<void> {
    const way = Math.floor(Math.random() * 4);
    if (way === 0) this.#client.reconnect();
    else if (way === 1) {
      this.#client.pause();
      await delay(Math.random() * MAXIMUM_OUTAGE_MS);
      this.#client.resume();
    } else {
      this.#link.cut();
      if (way === 2) await delay(Math.random() * MAXIMUM_OUTAGE_MS);
      this.#link.heal();
    }
  }

  async stop(): Promise<void> {
    this.#client.close();
    await this.#link.close();
  }

  #onMessage({ channel, marketId, id }: Message): void {
    append(this.received, nameOf({ channel, key: marketId ?? this.user }), id);
  }

  #onStatus(): void {
    if (this.#lostAt === undefined || !this.isLive) return;
    this.resumeMs.push(performance.now() - this.#lostAt);
    this.#lostAt = undefined;
  }
}

function judgeAll(applications: readonly Application[], published: ReadonlyMap<string, readonly string[]>): Verdict {
  const verdicts = applications.flatMap(({ user, received, gaps }) =>
    streams
      .filter(({ channel, key }) => !channel.startsWith("user:") || key === user)
      .map((stream) => {
        const of = (lists: ReadonlyMap<string, readonly string[]>) => lists.get(nameOf(stream)) ?? [];
        return judge({ channel: stream.channel, published: of(published), received: of(received), gaps: of(gaps) });
      }),
  );
  const sum = (name: keyof Verdict): number => verdicts.reduce((total, verdict) => total + verdict[name], 0);
  return {
    holes: sum("holes"),
    heldNoLonger: sum("heldNoLonger"),
    doubles: sum("doubles"),
    outOfOrder: sum("outOfOrder"),
  };
}

const percentile = (values: readonly number[], share: number): number =>
  Math.round(values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? 0);

async function disrupt(
  applications: readonly Application[],
  { count, onProgress }: DisconnectionOptions,
): Promise<void> {
  const total = (): number => applications.reduce((sum, { disconnections }) => sum + disconnections, 0);
  while (total() < count) {
    const application = applications[Math.floor(Math.random() * applications.length)];
    if (application?.isLive) await application.disconnect();
    await delay(Math.random() * 100);
    onProgress?.(total());
  }
}

/** Cuts connections at random while messages flow, and counts what the applications missed or got twice. */
export async function runDisconnections(options: DisconnectionOptions): Promise<DisconnectionResult> {
  const edge = await startEdge(options.edge);
  const applications: Application[] = [];
  try {
    for (const user of USERS) {
      const link = await openLinkProxy();
      link.setTarget(edge.port);
      applications.push(new Application(user, edge, link));
    }
    await Promise.all(applications.map((application) => application.start()));
    const published = new Map(streams.map((stream) => [nameOf(stream), [] as string[]]));
    const order = traffic();
    let version = 0;
    const start = performance.now();
    const feed = startFeed({
      publisher: edge.publisher,
      rate: options.rate,
      next: () => {
        const { channel, key } = order.next().value;
        version += 1;
        return messageOf(channel, key, version);
      },
      onPublished: ({ channel, key = "" }, id) => published.get(nameOf({ channel, key }))?.push(id),
    });
    await disrupt(applications, options);
    await feed.stop();
    const seconds = (performance.now() - start) / 1_000;
    const isSettled = (): boolean =>
      applications.every(({ isLive }) => isLive) && judgeAll(applications, published).holes === 0;
    // What is still missing after that is a hole, and counted as one.
    await until("the last messages", SETTLE_MS, isSettled).catch(() => undefined);
    const count = [...published.values()].reduce((sum, ids) => sum + ids.length, 0);
    const delivered = applications.flatMap(({ received }) => [...received.values()]);
    const resumes = applications.flatMap(({ resumeMs }) => resumeMs);
    return {
      edge: options.edge,
      disconnections: applications.reduce((sum, { disconnections }) => sum + disconnections, 0),
      seconds: Math.round(seconds),
      published: count,
      publishedPerSecond: Math.round(count / seconds),
      delivered: delivered.reduce((sum, ids) => sum + ids.length, 0),
      ...judgeAll(applications, published),
      resumeP50Ms: percentile(resumes, 0.5),
      resumeP99Ms: percentile(resumes, 0.99),
      complaints: edge.complaints(),
    };
  } finally {
    await Promise.all(applications.map((application) => application.stop()));
    await edge.stop();
  }
}
