import type { ChannelError } from "../../contract/errors.ts";
import { Authentication } from "./authentication.ts";
import { Backoff } from "./backoff.ts";
import { loadTransport } from "./load-transport.ts";
import { onOnline } from "./online.ts";
import { Session, type SessionListener } from "./session.ts";
import type { SharedSubscription } from "./shared-subscription.ts";
import type { SubscriptionRegistry } from "./subscription-registry.ts";
import type { CloseReason } from "./transport.ts";
import type { ConnectionStatus, Edge, RealtimeClientOptions } from "./types.ts";

/** A connection that lived this long was a good one: the next attempt is made soon again. In ms. */
const GOOD_LIFE_MS = 5_000;

/** A hand-over begins within this part of the time that the service gives, so that the next gateway gets no storm. */
const HAND_OVER_SPREAD = 0.5;

/** API Gateway ends a connection at two hours; a client of its own accord goes a tenth of this earlier at the most. */
const LIFETIME_MS = 6_600_000;

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

export interface ConnectionOptions extends Omit<RealtimeClientOptions, "autoConnect" | "edge"> {
  readonly edge: Edge;
  readonly registry: SubscriptionRegistry;
  readonly onStatus: (status: ConnectionStatus) => void;
  readonly onError: (error: Error) => void;
}

/**
 * Keeps one connection open as long as it is wanted. A planned change is made before the old connection goes: both carry
 * the subscriptions until the new one has answered them all.
 */
export class Connection implements SessionListener {
  readonly #options: ConnectionOptions;
  readonly #authentication: Authentication;
  readonly #backoff: Backoff;
  #status: ConnectionStatus = "disconnected";
  #isWanted = false;
  /** Carries the subscriptions. */
  #current: Session | undefined;
  /** Is being opened, or answers the subscriptions while `#current` goes on. */
  #incoming: Session | undefined;
  /** Counts attempts: what an earlier one waited for is void. */
  #attempt = 0;
  #isOpening = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #handOver: ReturnType<typeof setTimeout> | undefined;
  #stopListening: () => void = () => undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.backoff);
    this.#authentication = new Authentication({
      ...{ token: options.token, backoff: options.backoff, registry: options.registry, onError: options.onError },
      sessions: () => [this.#current, this.#incoming].filter((session) => session?.isOpen === true) as Session[],
    });
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  /** Connects and stays connected until `stop`. */
  start(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#stopListening = onOnline(() => this.#retry !== undefined && this.#open());
    this.#open();
  }

  stop(): void {
    this.#isWanted = false;
    this.#stopListening();
    this.#drop();
    this.#setStatus("disconnected");
  }

  /** Drops the connection and makes another one at once. */
  restart(): void {
    if (!this.#isWanted) return;
    this.#drop();
    this.#open();
  }

  /** Resolves once the service has taken a new token; without a connection the next one brings it. */
  renew(): Promise<void> {
    return this.#current ? this.#authentication.renew() : Promise.resolve();
  }

  ask(subscription: SharedSubscription): void {
    this.#current?.ask(subscription);
    this.#incoming?.ask(subscription);
  }

  leave(subscription: SharedSubscription): void {
    this.#current?.leave(subscription);
    this.#incoming?.leave(subscription);
  }

  onOpen(session: Session): void {
    if (!this.#current) this.#promote();
    this.#authentication.onOpen(session);
    for (const subscription of this.#options.registry.all) {
      if (!(subscription.isPrivate && session.isTokenWithheld)) session.ask(subscription);
    }
    this.onSettled(session);
  }

  onSettled(session: Session): void {
    if (session === this.#incoming && session.isSettled) this.#promote();
  }

  onDrain(session: Session, reconnectIn: number): void {
    if (session.isDraining) return;
    session.isDraining = true;
    clearTimeout(this.#handOver);
    const replace = (): void => {
      session.isDue = true;
      if (session === this.#current) this.#open();
    };
    this.#handOver = setTimeout(replace, reconnectIn * HAND_OVER_SPREAD * Math.random());
  }

  onClose(session: Session, { code, message }: CloseReason): void {
    this.#options.onError(new Error(`the connection has ended: ${message}`));
    const isRefused = code === "token_expired" || code === "token_invalid";
    // A plain WebSocket does not say why it was not opened: it may be the token.
    const mayBeRefused = this.#options.edge === "managed" && !session.wasOpen;
    if (isRefused || mayBeRefused) this.#authentication.onRefused(session);
    if (Date.now() - session.openedAt > GOOD_LIFE_MS) this.#backoff.reset();
    if (session === this.#incoming) {
      this.#incoming = undefined;
      this.#openLater();
    } else if (session === this.#current) this.#onLoss();
  }

  onPrivateEnded(error: ChannelError, subscription: SharedSubscription): void {
    this.#authentication.onPrivateEnded(error, subscription);
  }

  onError(error: Error): void {
    this.#options.onError(error);
  }

  #onLoss(): void {
    this.#current = undefined;
    this.#interrupt();
    if (this.#incoming?.isOpen) this.#promote();
    else {
      this.#setStatus("connecting");
      if (!this.#incoming && !this.#isOpening && this.#retry === undefined) this.#openLater();
    }
  }

  /** The newer connection carries the subscriptions from now on; the one before has done its part. */
  #promote(): void {
    this.#current?.close();
    this.#current = this.#incoming;
    this.#incoming = undefined;
    clearTimeout(this.#handOver);
    this.#setStatus("connected");
    if (this.#current?.isDue) this.#open();
    else if (this.#options.edge === "managed" && this.#current) this.#limitLife(this.#current);
  }

  #limitLife(session: Session): void {
    const lifetime = this.#options.connectionLifetimeMs ?? LIFETIME_MS;
    this.#handOver = setTimeout(
      () => session === this.#current && this.#open(),
      lifetime * (0.9 + 0.1 * Math.random()),
    );
  }

  #open(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    if (this.#incoming || this.#isOpening) return;
    if (!this.#current) this.#setStatus("connecting");
    this.#isOpening = true;
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.#connect(() => attempt === this.#attempt).catch((error: unknown) => {
      if (attempt !== this.#attempt) return;
      this.#isOpening = false;
      this.#options.onError(asError(error));
      this.#openLater();
    });
  }

  async #connect(isCurrent: () => boolean): Promise<void> {
    const { edge, url, registry, connectTimeoutMs = 10_000, pingIntervalMs = 60_000 } = this.#options;
    const [{ token, isWithheld }, open] = await Promise.all([
      this.#authentication.tokenForConnection(),
      loadTransport(edge),
    ]);
    if (!isCurrent()) return;
    this.#isOpening = false;
    const options = { open, url, token, isTokenWithheld: isWithheld, connectTimeoutMs, pingIntervalMs };
    this.#incoming = new Session({ ...options, registry, listener: this });
  }

  #openLater(): void {
    if (!this.#isWanted) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#open(), this.#backoff.next());
  }

  #drop(): void {
    this.#attempt += 1;
    this.#isOpening = false;
    for (const timer of [this.#retry, this.#handOver]) clearTimeout(timer);
    this.#retry = undefined;
    this.#authentication.stop();
    this.#current?.close();
    this.#incoming?.close();
    this.#current = undefined;
    this.#incoming = undefined;
    this.#interrupt();
  }

  #interrupt(): void {
    this.#options.registry.prune();
    for (const subscription of this.#options.registry.all) subscription.interrupt();
  }

  #setStatus(status: ConnectionStatus): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#options.onStatus(status);
  }
}
