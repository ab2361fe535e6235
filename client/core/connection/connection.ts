import type { AuthenticatedMessage } from "../../../contract/messages.ts";
import { parseAuthenticated, toError } from "../messages/parse-messages.ts";
import { SubscribeRequests } from "../requests/subscribe-requests.ts";
import type { SharedSubscription } from "../subscriptions/shared-subscription.ts";
import type { SubscriptionRegistry } from "../subscriptions/subscription-registry.ts";
import { sendRequest } from "../transport/send-request.ts";
import type {
  CloseReason,
  OpenTransport,
  Transport,
  TransportListener,
  TransportOptions,
} from "../transport/transport.ts";
import { Probe } from "./probe.ts";
import { ServiceEvents, type ServiceEventsListener } from "./service-events.ts";

export interface ConnectionListener extends ServiceEventsListener {
  onOpen(connection: Connection): void;
  /** Called when the connection has ended on its own, not after `close()`. */
  onClose(connection: Connection, reason: CloseReason): void;
  /** Called when the service announces for the first time that it will close this connection, `reconnectIn` ms from now. */
  onDrain(connection: Connection, reconnectIn: number): void;
  /** Called when every subscription has its answer on this connection. */
  onSettled(connection: Connection): void;
  /** Called when the limit of subscriptions is reached, to unsubscribe immediately from what no receiver uses. */
  onFull(): void;
  /** Called when the connection has answered a probe. */
  onAlive(connection: Connection): void;
}

export interface ConnectionOptions extends Omit<TransportOptions, "listener"> {
  readonly open: OpenTransport;
  /** Most bytes of a request. */
  readonly maximumBytes: number;
  /** Returns whether no other connection carries the subscriptions. */
  readonly isSole: (connection: Connection) => boolean;
  /** True if there is a token that `authenticate` sends once the connection is open. */
  readonly isTokenWithheld: boolean;
  readonly registry: SubscriptionRegistry;
  readonly listener: ConnectionListener;
}

/** One connection and the subscriptions on it, from opening to close. */
export class Connection {
  readonly token: string | null;
  readonly isTokenWithheld: boolean;
  readonly openedAt = Date.now();
  readonly #listener: ConnectionListener;
  readonly #requests: SubscribeRequests;
  readonly #events: ServiceEvents;
  readonly #probe = new Probe();
  readonly #transport: Transport;
  /** Rejects the renewals that wait for their answer. */
  readonly #pendingRenewals = new Set<(error: Error) => void>();
  #isOpen = false;
  #wasOpen = false;
  #isDraining = false;
  /** True if the service has received the token, whether it accepted it or not. */
  #isTokenSent: boolean;

  constructor(options: ConnectionOptions) {
    const { open, registry, listener, isTokenWithheld, isSole, maximumBytes, ...transport } = options;
    this.token = options.token;
    this.isTokenWithheld = isTokenWithheld;
    this.#isTokenSent = !isTokenWithheld;
    this.#listener = listener;
    this.#requests = new SubscribeRequests({
      send: (...request) => this.#transport.request(...request),
      maximumBytes,
      isSole: () => isSole(this),
      onSettled: () => listener.onSettled(this),
      onFull: () => listener.onFull(),
      onRevoked: (topic, error) => this.#events.endTopic(topic, error),
      onTimeout: () => this.probe(),
      onStuck: () => this.#fail({ message: "subscriptions keep being refused" }),
    });
    this.#events = new ServiceEvents({
      requests: this.#requests,
      registry,
      listener,
      onDrain: (reconnectIn) => this.#onDrain(reconnectIn),
    });
    this.#transport = open({ ...transport, listener: this.#transportListener() });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** True if the service accepted the connection, even if it has ended since. */
  get wasOpen(): boolean {
    return this.#wasOpen;
  }

  /** True if every subscription has its answer on this connection. */
  get isSettled(): boolean {
    return this.#isOpen && this.#requests.isSettled;
  }

  /** Requests a subscription, resuming where its receivers are. */
  subscribe(subscription: SharedSubscription): void {
    if (this.#maySubscribe(subscription)) this.#requests.subscribe(subscription);
  }

  /** Requests a subscription unless this connection has requested it before. */
  ensureSubscribed(subscription: SharedSubscription): void {
    if (this.#maySubscribe(subscription)) this.#requests.ensureSubscribed(subscription);
  }

  /** Requests a confirmed subscription again, because it is silent and the service may have lost it. */
  verify(subscription: SharedSubscription): void {
    if (this.#isOpen) this.#requests.verify(subscription);
  }

  unsubscribe(subscription: SharedSubscription): void {
    if (this.#isOpen) this.#requests.unsubscribe(subscription);
  }

  /** Sends a probe, and ends the connection if there is no answer in time. */
  probe(): void {
    if (!this.#isOpen) return;
    const onAlive = (): void => {
      if (this.#isOpen) this.#listener.onAlive(this);
    };
    this.#probe.start(this.#transport, onAlive, (reason) => this.#fail(reason));
  }

  /** Replaces the token in place. Rejects with the refusal, or if the connection ends or the request times out first. */
  authenticate(token: string | null): Promise<AuthenticatedMessage> {
    return new Promise((resolve, reject) => {
      let isTimedOut = false;
      const stop = sendRequest((...request) => this.#transport.request(...request), {
        event: "authenticate",
        content: { token },
        onAnswer: (answer) => {
          this.#pendingRenewals.delete(end);
          if (!isTimedOut) this.#isTokenSent = true;
          const reply = parseAuthenticated(answer);
          if (reply) resolve(reply);
          else reject(toError(answer, reply));
          return false;
        },
        // The retry of the renewal sends the token once more.
        onLate: () => undefined,
        onTimeout: () => {
          isTimedOut = true;
          this.probe();
        },
      });
      const end = (error: Error): void => {
        stop();
        reject(error);
      };
      this.#pendingRenewals.add(end);
    });
  }

  /** Closes it without calling the listener. */
  close(): void {
    this.#end();
    this.#transport.close();
  }

  #transportListener(): TransportListener {
    return {
      onOpen: () => {
        this.#isOpen = true;
        this.#wasOpen = true;
        this.#listener.onOpen(this);
      },
      onEvent: (event, value) => this.#events.handle(event, value),
      onClose: (reason) => {
        this.#end();
        this.#listener.onClose(this, reason);
      },
    };
  }

  /** A private subscription waits until the service has the token. */
  #maySubscribe({ isPrivate }: SharedSubscription): boolean {
    return this.#isOpen && (this.#isTokenSent || !isPrivate);
  }

  #onDrain(reconnectIn: number): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#listener.onDrain(this, reconnectIn);
  }

  /** Closes it, and calls the listener. */
  #fail(reason: CloseReason): void {
    this.close();
    this.#listener.onClose(this, reason);
  }

  #end(): void {
    this.#isOpen = false;
    this.#probe.stop();
    this.#requests.stop();
    for (const reject of this.#pendingRenewals) reject(new Error("connection lost before the answer"));
    this.#pendingRenewals.clear();
  }
}
