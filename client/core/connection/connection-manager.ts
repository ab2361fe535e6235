import type { ChannelError } from "../../../contract/errors.ts";
import { RequestSize } from "../requests/request-size.ts";
import type { SharedSubscription } from "../subscriptions/shared-subscription.ts";
import type { SubscriptionRegistry } from "../subscriptions/subscription-registry.ts";
import { loadTransport } from "../transport/load-transport.ts";
import type { CloseReason } from "../transport/transport.ts";
import type { ConnectionStatus, Edge, RealtimeClientOptions } from "../types.ts";
import { Authentication } from "./authentication.ts";
import { Connection, type ConnectionListener } from "./connection.ts";
import { ConnectionAttempts } from "./connection-attempts.ts";
import { ConnectionError, type ConnectionErrorDetails, TokenError } from "./connection-error.ts";
import { HandOver } from "./hand-over.ts";

/** After a connection that lasted this long, in ms, the next attempt follows soon. */
const STABLE_AFTER_MS = 5_000;
/** A probe abandons an attempt to connect that is older, in ms, and starts a new one. */
const HANGING_AFTER_MS = 3_000;

export interface ConnectionManagerOptions extends Omit<RealtimeClientOptions, "autoConnect" | "edge"> {
  readonly edge: Edge;
  readonly registry: SubscriptionRegistry;
  readonly onStatus: (status: ConnectionStatus) => void;
  readonly onError: (error: Error) => void;
  /** Called when the limit of subscriptions is reached, to unsubscribe immediately from what no receiver uses. */
  readonly onFull: () => void;
  /** Called when the connection has answered a probe. */
  readonly onAlive: () => void;
}

/**
 * Keeps one connection open between `start` and `stop`. A planned replacement happens before the old connection ends: both
 * carry the subscriptions until the new one has an answer for each of them.
 */
export class ConnectionManager implements ConnectionListener {
  readonly #options: ConnectionManagerOptions;
  readonly #authentication: Authentication;
  readonly #attempts: ConnectionAttempts;
  #status: ConnectionStatus = "disconnected";
  #isStarted = false;
  /** Carries the subscriptions. */
  #current: Connection | undefined;
  /** Is being opened, or subscribes while `#current` still carries the subscriptions. */
  #incoming: Connection | undefined;
  readonly #handOver = new HandOver((connection) => connection === this.#current && this.#open());
  readonly #requestSize: RequestSize;

  constructor(options: ConnectionManagerOptions) {
    this.#options = options;
    this.#requestSize = new RequestSize(options.edge);
    this.#attempts = new ConnectionAttempts({
      backoff: options.backoff,
      attempt: (isCurrent) => this.#connect(isCurrent),
      onFailure: (error, nextRetryMs) => {
        const code = error instanceof TokenError ? "token_failed" : "connection_failed";
        const reason = error instanceof Error ? error.message : error;
        this.#report(`could not connect: ${reason}`, { code, nextRetryMs }, error);
      },
    });
    this.#authentication = new Authentication({
      ...{ token: options.token, backoff: options.backoff, registry: options.registry, onError: options.onError },
      tokenTimeoutMs: options.tokenTimeoutMs,
      connections: () => this.#openConnections,
    });
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  /** Connects, and stays connected until `stop`. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#open();
  }

  /** Disconnects, and stays disconnected until `start`. */
  stop(): void {
    this.#isStarted = false;
    this.#drop();
    this.#setStatus("disconnected");
  }

  /** Drops the connection and opens another one immediately. */
  restart(): void {
    if (!this.#isStarted) return;
    this.#drop();
    this.#open();
  }

  /** Resolves once the service has accepted a new token. Without a connection it resolves at once: the next one has it. */
  renew(): Promise<void> {
    return this.#current ? this.#authentication.renew() : Promise.resolve();
  }

  /** Probes the connection, or opens another one immediately if there is none. Does nothing while stopped. */
  probe(): void {
    if (!this.#isStarted) return;
    const isHanging = this.#incoming !== undefined && Date.now() - this.#incoming.openedAt > HANGING_AFTER_MS;
    if (isHanging && this.#openConnections.length === 0) this.restart();
    else if (this.#attempts.isPlanned) this.#open();
    for (const each of this.#openConnections) each.probe();
  }

  /** Requests a subscription, resuming where its receivers are. */
  subscribe(subscription: SharedSubscription): void {
    for (const each of this.#openConnections) each.subscribe(subscription);
  }

  /** Requests a subscription on the connections that have not requested it before. */
  ensureSubscribed(subscription: SharedSubscription): void {
    for (const each of this.#openConnections) each.ensureSubscribed(subscription);
  }

  /** Requests a confirmed subscription again. */
  verify(subscription: SharedSubscription): void {
    for (const each of this.#openConnections) each.verify(subscription);
  }

  unsubscribe(subscription: SharedSubscription): void {
    for (const each of this.#openConnections) each.unsubscribe(subscription);
  }

  onOpen(connection: Connection): void {
    this.#attempts.succeed();
    if (!this.#current) this.#promote();
    this.#authentication.onOpen(connection);
    for (const subscription of this.#options.registry.all) connection.subscribe(subscription);
    this.onSettled(connection);
  }

  onSettled(connection: Connection): void {
    if (connection === this.#incoming && connection.isSettled) this.#promote();
  }

  onFull(): void {
    this.#options.onFull();
  }

  onAlive(connection: Connection): void {
    if (connection === this.#current) this.#options.onAlive();
  }

  onDrain(connection: Connection, reconnectIn: number): void {
    this.#handOver.announce(connection, reconnectIn);
  }

  onClose(connection: Connection, { code, message, isTooLarge = false, isDead = false }: CloseReason): void {
    const isRefused = code === "token_expired" || code === "token_invalid";
    // A plain WebSocket does not say why the service refused it: the token may be the reason.
    const mayBeRefused = this.#options.edge === "managed" && !connection.wasOpen;
    if (isRefused || mayBeRefused) this.#authentication.onRefused(connection);
    if (isTooLarge) this.#requestSize.shrink();
    if (Date.now() - connection.openedAt > STABLE_AFTER_MS) this.#attempts.backoff.reset();
    this.#attempts.fail();
    let nextRetryMs: number | undefined;
    if (connection === this.#incoming) {
      this.#incoming = undefined;
      nextRetryMs = this.#attempts.startLater();
    } else if (connection === this.#current) nextRetryMs = this.#onLoss(isDead);
    if (connection.wasOpen)
      this.#report(`connection lost: ${message}`, { code: code ?? "connection_lost", nextRetryMs });
    else this.#report(`could not connect: ${message}`, { code: code ?? "connection_failed", nextRetryMs });
  }

  onPrivateEnded(error: ChannelError, subscription: SharedSubscription): void {
    this.#authentication.onPrivateEnded(error, subscription);
  }

  readonly onError = (error: Error): void => this.#options.onError(error);

  readonly onRetry = (withinMs: number): void => this.#attempts.backoff.spread(withinMs);

  get #openConnections(): Connection[] {
    return [this.#current, this.#incoming].filter((each) => each !== undefined).filter(({ isOpen }) => isOpen);
  }

  #report(message: string, details: Omit<ConnectionErrorDetails, "attempt">, cause?: unknown): void {
    this.#options.onError(new ConnectionError(message, { ...details, attempt: this.#attempts.failures }, { cause }));
  }

  /** Handles the loss of the current connection. Returns the wait before the next attempt, if there is to be one. */
  #onLoss(isDead: boolean): number | undefined {
    this.#current = undefined;
    if (this.#incoming?.isOpen) {
      this.#promote();
      return undefined;
    }
    this.#interrupt();
    this.#setStatus("connecting");
    if (this.#incoming || this.#attempts.isRunning || this.#attempts.isPlanned) return undefined;
    // Neither side closed it, so the network has changed: a new connection may work immediately.
    if (!isDead) return this.#attempts.startLater();
    this.#open();
    return 0;
  }

  /** Makes the incoming connection the one that carries the subscriptions, and closes the previous one. */
  #promote(): void {
    const { edge, connectionLifetimeMs } = this.#options;
    this.#current?.close();
    this.#current = this.#incoming;
    this.#incoming = undefined;
    this.#handOver.cancel();
    this.#setStatus("connected");
    if (!this.#current) return;
    if (this.#handOver.isDue(this.#current)) this.#open();
    else if (edge === "managed") this.#handOver.limitLife(this.#current, connectionLifetimeMs);
  }

  #open(): void {
    if (this.#incoming) return;
    if (!this.#current) this.#setStatus("connecting");
    this.#attempts.start();
  }

  async #connect(isCurrent: () => boolean): Promise<void> {
    const { edge, url, registry, connectTimeoutMs = 10_000, pingIntervalMs = 60_000 } = this.#options;
    const getToken = this.#authentication.tokenForConnection();
    const [{ token, isWithheld }, open] = await Promise.all([getToken, loadTransport(edge)]);
    if (!isCurrent()) return;
    this.#incoming = new Connection({
      ...{ open, url, token, isTokenWithheld: isWithheld, connectTimeoutMs, pingIntervalMs, registry, listener: this },
      maximumBytes: this.#requestSize.maximumBytes,
      isSole: (connection) => connection === this.#current && this.#incoming?.isOpen !== true,
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
    for (const subscription of this.#options.registry.all) subscription.health.clear();
  }

  #setStatus(status: ConnectionStatus): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#options.onStatus(status);
  }
}
