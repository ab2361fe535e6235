import { ChannelError, errorCodes } from "../../contract/errors.ts";
import type { AuthenticatedMessage, ErrorMessage } from "../../contract/frames.ts";
import { isObject, parseAuthenticated, parseData, parseErrorMessage, parseHeartbeat, toError } from "./frames.ts";
import { Requests } from "./requests.ts";
import type { SharedSubscription } from "./shared-subscription.ts";
import type { SubscriptionRegistry } from "./subscription-registry.ts";
import type { CloseReason, OpenTransport, Transport, TransportOptions } from "./transport.ts";

export interface SessionListener {
  onOpen(session: Session): void;
  onClose(session: Session, reason: CloseReason): void;
  /** The service will end this connection in so many ms. */
  onDrain(session: Session, reconnectIn: number): void;
  /** Every subscription has its answer on this connection. */
  onSettled(session: Session): void;
  /** The service has ended private subscriptions, because the token has expired or is another user's. */
  onPrivateEnded(error: ChannelError, subscription: SharedSubscription): void;
  onError(error: Error): void;
}

export interface SessionOptions extends Omit<TransportOptions, "listener"> {
  readonly open: OpenTransport;
  /** Whether the token is shown by `authenticate` once the connection is open. */
  readonly isTokenWithheld: boolean;
  readonly registry: SubscriptionRegistry;
  readonly listener: SessionListener;
}

/** The acknowledgement of the request says the same. */
const answers: ReadonlySet<string> = new Set(["subscribed", "unsubscribed", "authenticated"]);

/** One connection and the subscriptions on it, from its opening to its end. */
export class Session {
  readonly token: string | null;
  readonly isTokenWithheld: boolean;
  readonly #options: SessionOptions;
  readonly #requests: Requests;
  readonly #transport: Transport;
  readonly #handlers: ReadonlyMap<string, (value: unknown) => void> = new Map([
    ["data", (value) => this.#onData(value)],
    ["heartbeat", (value) => this.#onHeartbeat(value)],
    ["drain", (value) => this.#onDrain(value)],
    ["error", (value) => this.#onError(parseErrorMessage(value))],
  ]);
  readonly openedAt = Date.now();
  /** Of renewals that wait for their answer. */
  readonly #pending = new Set<(error: Error) => void>();
  #isOpen = false;
  #wasOpen = false;
  /** Whether its end is announced. */
  isDraining = false;
  /** Whether it is to be replaced as soon as it carries the subscriptions. */
  isDue = false;

  constructor(options: SessionOptions) {
    const { open, registry, listener, isTokenWithheld, ...transport } = options;
    this.token = options.token;
    this.isTokenWithheld = isTokenWithheld;
    this.#options = options;
    this.#requests = new Requests({
      send: (...request) => this.#transport.request(...request),
      onSettled: () => listener.onSettled(this),
      onStuck: () => {
        this.close();
        listener.onClose(this, { message: "the service does not take subscriptions on this connection" });
      },
    });
    this.#transport = open({
      ...transport,
      listener: {
        onOpen: () => {
          this.#isOpen = true;
          this.#wasOpen = true;
          listener.onOpen(this);
        },
        onEvent: (event, value) => this.#onEvent(event, value),
        onClose: (reason) => {
          this.#end();
          listener.onClose(this, reason);
        },
      },
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether the service took the connection, also if it has ended since. */
  get wasOpen(): boolean {
    return this.#wasOpen;
  }

  /** Whether every subscription has its answer here. */
  get isSettled(): boolean {
    return this.#isOpen && this.#requests.isSettled;
  }

  /** Subscribes, or subscribes again from where the receivers are. */
  ask(subscription: SharedSubscription): void {
    if (this.#isOpen) this.#requests.ask(subscription);
  }

  leave(subscription: SharedSubscription): void {
    if (this.#isOpen) this.#requests.leave(subscription);
  }

  /** Replaces the token in place. Rejects with the refusal, or where the connection ends before the answer. */
  authenticate(token: string | null): Promise<AuthenticatedMessage> {
    return new Promise((resolve, reject) => {
      this.#pending.add(reject);
      this.#transport.request("authenticate", { token }, (answer) => {
        this.#pending.delete(reject);
        const reply = parseAuthenticated(answer);
        if (reply) resolve(reply);
        else reject(toError(answer, reply));
      });
    });
  }

  /** Ends it without a word to the listener. */
  close(): void {
    this.#end();
    this.#transport.close();
  }

  #end(): void {
    this.#isOpen = false;
    this.#requests.stop();
    for (const reject of this.#pending) reject(new Error("the connection has ended"));
    this.#pending.clear();
  }

  #onEvent(event: string, value: unknown): void {
    const handle = this.#handlers.get(event);
    if (handle) handle(value);
    else if (!answers.has(event)) {
      this.#options.listener.onError(new Error(`the service sent an event that is not known: ${event.slice(0, 64)}`));
    }
  }

  #onData(value: unknown): void {
    const message = parseData(value);
    if (!message) {
      this.#options.listener.onError(new Error("the service sent a data message that has not its form"));
      return;
    }
    for (const subscription of this.#options.registry.matching(message)) {
      if (subscription.take(message)) this.#requests.repair(subscription, [subscription.keyOf(message)]);
    }
  }

  #onHeartbeat(value: unknown): void {
    const heartbeat = parseHeartbeat(value);
    if (!heartbeat) {
      this.#options.listener.onError(new Error("the service sent a heartbeat that has not its form"));
      return;
    }
    for (const subscription of this.#options.registry.matching(heartbeat)) {
      subscription.hear();
      this.#requests.suspect(subscription, () => subscription.behind(heartbeat));
    }
  }

  #onDrain(value: unknown): void {
    const reconnectIn = isObject(value) && typeof value.reconnectIn === "number" ? value.reconnectIn : 0;
    this.#options.listener.onDrain(this, Math.max(0, reconnectIn));
  }

  /** A refusal comes with the answer too; what is left here is the end of a subscription that was there. */
  #onError(error: ErrorMessage | undefined): void {
    if (!error || errorCodes[error.code].retry) return;
    for (const subscription of this.#options.registry.privateOn(error.channel)) {
      if (!this.#requests.end(subscription)) continue;
      this.#options.listener.onPrivateEnded(new ChannelError(error.code, error.message), subscription);
    }
  }
}
