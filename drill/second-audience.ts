import type { Issuer } from "../local/issuer.ts";
import { type LinkProxy, openLinkProxy } from "./link-proxy.ts";
import { marketChannels, markets, userChannels } from "./messages.ts";
import {
  EdgeClient,
  type History,
  type Plan,
  SdkClient,
  type SecondClient,
  StockClient,
  streamsOf,
} from "./second-judge/index.js";

const TOKEN_SECONDS = 43_200;

type Requests = Plan["requests"];

/** One client before it is connected: of which kind, on which edge. */
export interface SecondPlan {
  readonly name: string;
  readonly kind: SecondClient["kind"];
  readonly edge: "gateway" | "managed";
  readonly user?: string;
  readonly requests: Requests;
}

/** A client and what it was made from. */
interface Seat {
  readonly plan: SecondPlan;
  client: SecondClient;
}

const whole = (...names: readonly string[]): Requests => names.map((channel) => ({ channel }));
const listOf = (count: number, from = 0): Requests =>
  marketChannels.map((channel) => ({ channel, marketId: markets.slice(from, from + count) }));
const pageOf = (market: string | undefined): Requests =>
  marketChannels.map((channel) => (market === undefined ? { channel } : { channel, marketId: market }));
const account = whole(...userChannels, "monitor:signals");

/** Fewer on the managed edge: its functions and database share two cores with everything else. */
const plans: readonly SecondPlan[] = [
  { name: "stock dashboard", kind: "stock", edge: "gateway", requests: whole(...marketChannels, "monitor:signals") },
  { name: "stock list", kind: "stock", edge: "gateway", requests: listOf(5) },
  { name: "stock page", kind: "stock", edge: "gateway", requests: pageOf(markets[3]) },
  { name: "stock user-1", kind: "stock", edge: "gateway", user: "user-1", requests: account },
  { name: "edge list", kind: "websocket", edge: "managed", requests: listOf(3) },
  { name: "edge user-1", kind: "websocket", edge: "managed", user: "user-1", requests: account },
  { name: "edge whole", kind: "websocket", edge: "managed", requests: whole("market:trades") },
  { name: "sdk dashboard", kind: "sdk", edge: "gateway", requests: whole(...marketChannels, "monitor:signals") },
  { name: "sdk page", kind: "sdk", edge: "gateway", requests: pageOf(markets[1]) },
  { name: "sdk user-2", kind: "sdk", edge: "gateway", user: "user-2", requests: account },
  { name: "sdk edge list", kind: "sdk", edge: "managed", requests: listOf(2, 1) },
  { name: "sdk edge user-2", kind: "sdk", edge: "managed", user: "user-2", requests: account },
];

interface SecondAudienceOptions {
  readonly gatewayPort: number;
  readonly edgePort: number;
  readonly issuer: Issuer;
  readonly newestBefore: Plan["newestBefore"];
}

/** The clients of the second judge, on both edges, each edge behind a link that can go silent. */
export class SecondAudience {
  readonly gatewayLink: LinkProxy;
  readonly edgeLink: LinkProxy;
  readonly #options: SecondAudienceOptions;
  #seats: Seat[] = [];

  private constructor(options: SecondAudienceOptions, links: readonly [LinkProxy, LinkProxy]) {
    this.#options = options;
    [this.gatewayLink, this.edgeLink] = links;
  }

  /** Connects every client. They may not be connected yet when it resolves. */
  static async open(options: SecondAudienceOptions): Promise<SecondAudience> {
    const links = [await openLinkProxy(), await openLinkProxy()] as const;
    links[0].setTarget(options.gatewayPort);
    links[1].setTarget(options.edgePort);
    const audience = new SecondAudience(options, links);
    for (const plan of plans) await audience.add(plan);
    return audience;
  }

  get clients(): readonly SecondClient[] {
    return this.#seats.map(({ client }) => client);
  }

  get sdkClients(): readonly SdkClient[] {
    return this.clients.filter((client) => client instanceof SdkClient);
  }

  /** Lets one more client in. */
  async add(plan: SecondPlan): Promise<SecondClient> {
    const client = await this.#connect(plan);
    this.#seats.push({ plan, client });
    return client;
  }

  /** Sends a client away for good. */
  remove(client: SecondClient): void {
    client.stop();
    this.#seats = this.#seats.filter((seat) => seat.client !== client);
  }

  /** Puts new clients in the place of some, so that what befell those does not count a second time. */
  async replace(names: ReadonlySet<string>): Promise<void> {
    for (const seat of this.#seats.filter(({ plan }) => names.has(plan.name))) {
      seat.client.stop();
      seat.client = await this.#connect(seat.plan);
    }
  }

  /** Begins a round. */
  reset(): void {
    for (const client of this.clients) client.journal.reset();
  }

  get isSettled(): boolean {
    return this.clients.every(({ isSettled }) => isSettled);
  }

  /** True if every client is live and has reached the newest id of every stream. */
  isLevel(tops: ReadonlyMap<string, string>): boolean {
    return this.#seats.every(
      ({ client, plan }) => client.isSettled && this.#streamsOf(plan).every((name) => isAt(client, name, tops)),
    );
  }

  /** Returns the messages and events that every client saw of every stream since `reset`. */
  histories(): History[] {
    return this.#seats.flatMap(({ client, plan }) =>
      this.#streamsOf(plan).map((stream, index) => ({
        ...{ client: client.name, kind: `${client.kind}, ${plan.edge}`, stream, events: client.journal.of(stream) },
        // Of the whole client, so with the first of its streams alone.
        ...(index > 0 ? {} : { strays: client.journal.strays, isLost: !client.isSettled, state: client.describe() }),
      })),
    );
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.stop();
    await Promise.all([this.gatewayLink.close(), this.edgeLink.close()]);
  }

  #streamsOf(plan: SecondPlan): readonly string[] {
    return streamsOf(plan, markets);
  }

  async #connect({ name, kind, edge, user, requests }: SecondPlan): Promise<SecondClient> {
    const { issuer, newestBefore } = this.#options;
    const link = edge === "gateway" ? this.gatewayLink : this.edgeLink;
    const plan: Plan = {
      ...{ name, user, requests, newestBefore },
      url: edge === "gateway" ? `http://127.0.0.1:${link.port}` : `ws://127.0.0.1:${link.port}/local`,
      token: user === undefined ? undefined : await issuer.sign({ sub: user, expiresInSeconds: TOKEN_SECONDS }),
      streamsOf: (channel, marketId) =>
        streamsOf({ user, requests: [marketId === undefined ? { channel } : { channel, marketId }] }, markets),
    };
    if (kind === "sdk") return new SdkClient(plan);
    return kind === "stock" ? new StockClient(plan) : new EdgeClient(plan);
  }
}

/** A stream on which nothing came in the round says nothing of how far its clients are. */
const isAt = (client: SecondClient, stream: string, tops: ReadonlyMap<string, string>): boolean => {
  const top = tops.get(stream);
  return top === undefined || client.isAt(stream, top);
};
