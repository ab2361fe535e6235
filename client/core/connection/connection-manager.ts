import type { ChannelError } from "../../../contract/errors.ts";
import { RequestSize } from "../requests/request-size.ts";
import type { SharedSubscription } from "../subscriptions/shared-subscription.ts";
import type { SubscriptionRegistry } from "../subscriptions/subscription-registry.ts";
import { loadTransport } from "../transport/load-transport.ts";
import type { CloseReason } from "../transport/transport.ts";
import type { ConnectionStatus, Edge, RealtimeClientOptions } from "../types.ts";
import { Authentication } from "./authentication.ts";
import { Session, type SessionListener } from "./connection.ts";
import { Attempts } from "./connection-attempts.ts";
import { ConnectionError, type ConnectionErrorDetails, TokenError } from "./connection-error.ts";
import { HandOver } from "./hand-over.ts";

/** A connection that lived this long, in ms, was a good one: the next attempt is made soon again. */
const GOOD_LIFE_MS = 5_000;

/** An attempt to connect that is older, in ms, is given up for a new one when there is reason to think that it hangs. */
const HANGING_MS = 3_000;

export interface ConnectionOptions extends Omit<RealtimeClientOptions, "autoConnect" | "edge"> {
  readonly edge: Edge;
  readonly registry: SubscriptionRegistry;
  readonly onStatus: (status: ConnectionStatus) => void;
  readonly onError: (error: Error) => void;
  /** Called when the service has as many subscriptions as it takes: those that nobody holds are to be left at once. */
  readonly onFull: () => void;
  /** Called when the connection has answered a probe. */
  readonly onAlive: () => void;
}

/**
 * Keeps one connection open as long as it is wanted. A planned change is made before the old connection goes: both carry
 * the subscriptions until the new one has answered them all.
 */
export class Connection implements SessionListener {
  readonly #options: ConnectionOptions;
  readonly #authentication: Authentication;
  readonly #attempts: Attempts;
  #status: ConnectionStatus = "disconnected";
  #isWanted = false;
  /** Carries the subscriptions. */
  #current: Session | undefined;
  /** Is being opened, or answers the subscriptions while `#current` goes on. */
  #incoming: Session | undefined;
  readonly #handOver = new HandOver((session) => session === this.#current && this.#open());
  readonly #requestSize: RequestSize;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#requestSize = new RequestSize(options.edge);
    this.#attempts = new Attempts({
      backoff: options.backoff,
      attempt: (isCurrent) => this.#connect(isCurrent),
      onFailure: (error, nextRetryMs) => {
        const code = error instanceof TokenError ? "token_failed" : "connection_failed";
        const reason = error instanceof Error ? error.message : String(error);
        this.#report(`could not connect: ${reason}`, { code, nextRetryMs }, error);
      },
    });
    this.#authentication = new Authentication({
      ...{ token: options.token, backoff: options.backoff, registry: options.registry, onError: options.onError },
      tokenTimeoutMs: options.tokenTimeoutMs,
      sessions: () => this.#openSessions,
    });
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  /** Connects and stays connected until `stop`. */
  start(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#open();
  }

  stop(): void {
    this.#isWanted = false;
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

  /** Asks for a sign of life, and makes another connection at once where there is none. Does nothing while stopped. */
  probe(): void {
    if (!this.#isWanted) return;
    const isHanging = this.#incoming !== undefined && Date.now() - this.#incoming.openedAt > HANGING_MS;
    if (isHanging && this.#openSessions.length === 0) this.restart();
    else if (this.#attempts.isPlanned) this.#open();
    for (const each of this.#openSessions) each.probe();
  }

  ask(subscription: SharedSubscription): void {
    for (const session of this.#openSessions) session.ask(subscription);
  }

  /** Asks for a subscription on the connections that were not asked for it yet. */
  ensure(subscription: SharedSubscription): void {
    for (const session of this.#openSessions) session.ensure(subscription);
  }

  /** Asks once more for a subscription that counts as confirmed. */
  verify(subscription: SharedSubscription): void {
    for (const session of this.#openSessions) session.verify(subscription);
  }

  leave(subscription: SharedSubscription): void {
    for (const session of this.#openSessions) session.leave(subscription);
  }

  onOpen(session: Session): void {
    this.#attempts.succeed();
    if (!this.#current) this.#promote();
    this.#authentication.onOpen(session);
    for (const subscription of this.#options.registry.all) session.ask(subscription);
    this.onSettled(session);
  }

  onSettled(session: Session): void {
    if (session === this.#incoming && session.isSettled) this.#promote();
  }

  onFull(): void {
    this.#options.onFull();
  }

  onAlive(session: Session): void {
    if (session === this.#current) this.#options.onAlive();
  }

  onDrain(session: Session, reconnectIn: number): void {
    this.#handOver.announce(session, reconnectIn);
  }

  onClose(session: Session, { code, message, isTooLarge = false, isDead = false }: CloseReason): void {
    const isRefused = code === "token_expired" || code === "token_invalid";
    // A plain WebSocket does not say why it was not opened: it may be the token.
    const mayBeRefused = this.#options.edge === "managed" && !session.wasOpen;
    if (isRefused || mayBeRefused) this.#authentication.onRefused(session);
    if (isTooLarge) this.#requestSize.shrink();
    if (Date.now() - session.openedAt > GOOD_LIFE_MS) this.#attempts.relax();
    this.#attempts.fail();
    let nextRetryMs: number | undefined;
    if (session === this.#incoming) {
      this.#incoming = undefined;
      nextRetryMs = this.#attempts.startLater();
    } else if (session === this.#current) nextRetryMs = this.#onLoss(isDead);
    const shown = code ?? (session.wasOpen ? "connection_lost" : "connection_failed");
    this.#report(`the connection has ended: ${message}`, { code: shown, nextRetryMs });
  }

  onPrivateEnded(error: ChannelError, subscription: SharedSubscription): void {
    this.#authentication.onPrivateEnded(error, subscription);
  }

  onError(error: Error): void {
    this.#options.onError(error);
  }

  get #openSessions(): Session[] {
    return [this.#current, this.#incoming].filter((session) => session !== undefined).filter(({ isOpen }) => isOpen);
  }

  #report(message: string, details: Omit<ConnectionErrorDetails, "attempt">, cause?: unknown): void {
    this.#options.onError(new ConnectionError(message, { ...details, attempt: this.#attempts.failures }, { cause }));
  }

  /** Returns the wait before the next attempt, if there is to be one. */
  #onLoss(isDead: boolean): number | undefined {
    this.#current = undefined;
    if (this.#incoming?.isOpen) {
      this.#promote();
      return undefined;
    }
    this.#interrupt();
    this.#setStatus("connecting");
    if (this.#incoming || this.#attempts.isRunning || this.#attempts.isPlanned) return undefined;
    // Nobody has closed it, so it is the link that has changed: a new connection may work at once.
    if (!isDead) return this.#attempts.startLater();
    this.#open();
    return 0;
  }

  /** The newer connection carries the subscriptions from now on; the one before has done its part. */
  #promote(): void {
    const { edge, connectionLifetimeMs } = this.#options;
    this.#current?.close();
    this.#current = this.#incoming;
    this.#incoming = undefined;
    this.#handOver.cancel();
    this.#setStatus("connected");
    if (this.#current?.isDue) this.#open();
    else if (edge === "managed" && this.#current) this.#handOver.limitLife(this.#current, connectionLifetimeMs);
  }

  #open(): void {
    if (this.#incoming) return;
    if (!this.#current) this.#setStatus("connecting");
    this.#attempts.start();
  }

  async #connect(isCurrent: () => boolean): Promise<void> {
    const { edge, url, registry, connectTimeoutMs = 10_000, pingIntervalMs = 60_000 } = this.#options;
    const [{ token, isWithheld }, open] = await Promise.all([
      this.#authentication.tokenForConnection(),
      loadTransport(edge),
    ]);
    if (!isCurrent()) return;
    this.#incoming = new Session({
      ...{ open, url, token, isTokenWithheld: isWithheld, connectTimeoutMs, pingIntervalMs, registry, listener: this },
      maximumBytes: this.#requestSize.maximumBytes,
      isSole: (session) => session === this.#current && this.#incoming?.isOpen !== true,
    });
  }

  #drop(): void {
    this.#attempts.cancel();
    this.#handOver.cancel();
    this.#authentication.stop();
    this.#current?.close();
    this.#incoming?.close();
    this.#current = undefined;
    this.#incoming = undefined;
    this.#interrupt();
  }

  #interrupt(): void {
    this.#options.registry.prune();
    for (const subscription of this.#options.registry.all) subscription.conditions.clear();
  }

  #setStatus(status: ConnectionStatus): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#options.onStatus(status);
  }
}
