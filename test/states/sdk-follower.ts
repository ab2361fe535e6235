import { type Message, RealtimeClient } from "@vezta/realtime-client";
import type { Depth } from "../../contract/limits.ts";
import { type LinkProxy, openLinkProxy } from "../../drill/link-proxy.ts";
import { type BookTruth, type PortfolioTruth, withMirror } from "./truth.ts";

/** Waits that keep a run with reconnections short. */
const BACKOFF = { minimumMs: 5, maximumMs: 100 };

export interface SdkFollowerOptions {
  readonly book: BookTruth;
  readonly portfolio: PortfolioTruth;
  readonly depth?: Depth;
  readonly urlOn: (port: number) => string;
  readonly token: () => Promise<string>;
}

/** An application with the client SDK, which follows a book and a portfolio over a link that can be cut, led elsewhere and frozen. */
export class SdkFollower {
  readonly client: RealtimeClient;
  readonly #link: LinkProxy;
  readonly #options: SdkFollowerOptions;
  #book: Message<"market:orderbook"> | undefined;
  #portfolio: Message<"user:portfolio"> | undefined;

  private constructor(link: LinkProxy, options: SdkFollowerOptions) {
    const { book, depth, urlOn, token } = options;
    this.#link = link;
    this.#options = options;
    this.client = new RealtimeClient({ url: urlOn(link.port), token, backoff: BACKOFF });
    this.client.subscribe("market:orderbook", {
      marketId: book.stream.key,
      ...(depth === undefined ? {} : { depth }),
      onMessage: (message) => {
        this.#book = message;
      },
    });
    this.client.subscribe("user:portfolio", {
      onMessage: (message) => {
        this.#portfolio = message;
      },
    });
  }

  static async start(port: number, options: SdkFollowerOptions): Promise<SdkFollower> {
    return new SdkFollower(await openLinkProxy(port), options);
  }

  /** Cuts the connection; the next one leads to this port. */
  move(port: number): void {
    this.#link.thaw();
    this.#link.setTarget(port);
    this.#link.cut();
    this.#link.heal();
  }

  stopReading(): void {
    this.#link.freeze();
  }

  readOn(): void {
    this.#link.thaw();
  }

  /** The values that it has shown last. */
  get text(): string {
    return this.#textOf(this.#book?.data, this.#portfolio?.data);
  }

  get expected(): string {
    const { book, portfolio, depth } = this.#options;
    return this.#textOf(withMirror(book.value(depth)), portfolio.value());
  }

  async end(): Promise<void> {
    this.client.close();
    this.#link.thaw();
    await this.#link.close();
  }

  #textOf(book: object | undefined, portfolio: object | undefined): string {
    const { depth } = this.#options;
    return JSON.stringify([depth === undefined ? book : { ...book, time: 0 }, portfolio]);
  }
}
