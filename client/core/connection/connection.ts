import { ChannelError } from "../../../contract/errors.ts";
import type { AuthenticatedMessage, ErrorMessage } from "../../../contract/messages.ts";
import {
  isObject,
  parseAuthenticated,
  parseData,
  parseErrorMessage,
  parseHeartbeat,
  toError,
} from "../messages/parse-messages.ts";
import { Requests } from "../requests/subscribe-requests.ts";
import type { SharedSubscription } from "../subscriptions/shared-subscription.ts";
import type { SubscriptionRegistry } from "../subscriptions/subscription-registry.ts";
import type { TopicWords } from "../topics/topic.ts";
import { exchange } from "../transport/send-request.ts";
import type { CloseReason, OpenTransport, Transport, TransportOptions } from "../transport/transport.ts";

export interface SessionListener {
  onOpen(session: Session): void;
  onClose(session: Session, reason: CloseReason): void;
  /** The service will end this connection in so many ms. */
  onDrain(session: Session, reconnectIn: number): void;
  /** Called when every subscription has its answer on this connection. */
  onSettled(session: Session): void;
  /** Called when the service has as many subscriptions as it takes: those that nobody holds are to be left at once. */
  onFull(): void;
  /** Called when the connection has answered a probe. */
  onAlive(session: Session): void;
  /** The service has ended private subscriptions, because the token has expired or is another user's. */
  onPrivateEnded(error: ChannelError, subscription: SharedSubscription): void;
  onError(error: Error): void;
}

export interface SessionOptions extends Omit<TransportOptions, "listener"> {
  readonly open: OpenTransport;
  /** Most bytes of a request. */
  readonly maximumBytes: number;
  /** Whether no other connection carries the subscriptions. */
  readonly isSole: (session: Session) => boolean;
  /** Whether the token is shown by `authenticate` once the connection is open. */
  readonly isTokenWithheld: boolean;
  readonly registry: SubscriptionRegistry;
  readonly listener: SessionListener;
}

/** How long the answer to a probe may take, in ms. */
const PROBE_TIMEOUT_MS = 3_000;

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
  #probe: ReturnType<typeof setTimeout> | undefined;
  #isOpen = false;
  #wasOpen = false;
  /** Whether the service knows the token, whatever it thinks of it. */
  #isTokenShown: boolean;
  /** Whether its end is announced. */
  isDraining = false;
  /** Whether it is to be replaced as soon as it carries the subscriptions. */
  isDue = false;

  constructor(options: SessionOptions) {
    const { open, registry, listener, isTokenWithheld, isSole, maximumBytes, ...transport } = options;
    this.token = options.token;
    this.isTokenWithheld = isTokenWithheld;
    this.#isTokenShown = !isTokenWithheld;
    this.#options = options;
    this.#requests = new Requests({
      send: (...request) => this.#transport.request(...request),
      maximumBytes,
      isSole: () => isSole(this),
      onSettled: () => listener.onSettled(this),
      onFull: () => listener.onFull(),
      onTakenBack: (topic, error) => this.#endTopic(topic, error),
      onTimeout: () => this.probe(),
      onStuck: () => this.#fail({ message: "the service does not take subscriptions on this connection" }),
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
    if (this.#mayAsk(subscription)) this.#requests.ask(subscription);
  }

  /** Subscribes where this connection was not asked yet. */
  ensure(subscription: SharedSubscription): void {
    if (this.#mayAsk(subscription)) this.#requests.ensure(subscription);
  }

  /** Asks again for a subscription that counts as confirmed and is silent: the service may have lost it. */
  verify(subscription: SharedSubscription): void {
    if (this.#isOpen) this.#requests.verify(subscription);
  }

  /** Asks for a sign of life. Without one in time the connection ends; one that is asked already is not asked twice. */
  probe(): void {
    if (!this.#isOpen || this.#probe !== undefined) return;
    const message = `no answer to a probe within ${PROBE_TIMEOUT_MS / 1_000} s`;
    this.#probe = setTimeout(() => this.#fail({ message, isDead: true }), PROBE_TIMEOUT_MS);
    this.#transport.probe(() => {
      clearTimeout(this.#probe);
      this.#probe = undefined;
      if (this.#isOpen) this.#options.listener.onAlive(this);
    });
  }

  leave(subscription: SharedSubscription): void {
    if (this.#isOpen) this.#requests.leave(subscription);
  }

  /**
   * Replaces the token in place. Rejects with the refusal, or where the connection ends before the answer, or where none
   * comes in time.
   */
  authenticate(token: string | null): Promise<AuthenticatedMessage> {
    return new Promise((resolve, reject) => {
      let isLate = false;
      const stop = exchange((...request) => this.#transport.request(...request), {
        event: "authenticate",
        content: { token },
        onAnswer: (answer) => {
          this.#pending.delete(end);
          if (!isLate) this.#isTokenShown = true;
          const reply = parseAuthenticated(answer);
          if (reply) resolve(reply);
          else reject(toError(answer, reply));
          return false;
        },
        // The renewal that follows shows the token once more.
        onLate: () => undefined,
        onTimeout: () => {
          isLate = true;
          this.probe();
        },
      });
      const end = (error: Error): void => {
        stop();
        reject(error);
      };
      this.#pending.add(end);
    });
  }

  /** Ends it without calling the listener. */
  close(): void {
    this.#end();
    this.#transport.close();
  }

  /** A private subscription waits until the service knows the token. */
  #mayAsk({ isPrivate }: SharedSubscription): boolean {
    return this.#isOpen && (this.#isTokenShown || !isPrivate);
  }

  /** Ends it, and says so to the listener. */
  #fail(reason: CloseReason): void {
    this.close();
    this.#options.listener.onClose(this, reason);
  }

  #end(): void {
    this.#isOpen = false;
    clearTimeout(this.#probe);
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
      this.#options.listener.onError(new Error("the service sent a malformed data message"));
      return;
    }
    const isReplay = this.#requests.replays.covers(message);
    for (const subscription of this.#options.registry.matching(message)) {
      const finding = subscription.take(message, !isReplay && this.#requests.judges(subscription));
      if (finding !== "fine") this.#requests.repairs.repair(subscription, [message.marketId], finding === "reset");
    }
  }

  #onHeartbeat(value: unknown): void {
    const heartbeat = parseHeartbeat(value);
    if (!heartbeat) {
      this.#options.listener.onError(new Error("the service sent a malformed heartbeat"));
      return;
    }
    const { channel, marketId } = heartbeat;
    const matching = this.#options.registry.matching(heartbeat);
    for (const subscription of matching) {
      const reset = subscription.takeHeartbeat(heartbeat, this.#requests.judges(subscription));
      if (reset.size > 0) this.#requests.repairs.repair(subscription, reset, true);
      else this.#requests.repairs.suspect(subscription, "heartbeat");
    }
    // A heartbeat names a topic as its subscription does: nobody here has this one.
    if (!this.#options.registry.find({ channel, marketId })) this.#requests.disown({ channel, marketId });
  }

  #onDrain(value: unknown): void {
    const reconnectIn = isObject(value) && typeof value.reconnectIn === "number" ? value.reconnectIn : 0;
    this.#options.listener.onDrain(this, Math.max(0, reconnectIn));
  }

  /** A refusal comes with the answer too; what is left here is the end of a subscription that was there. */
  #onError(message: ErrorMessage | undefined): void {
    if (message?.channel === undefined) return;
    const { channel, marketId } = message;
    const error = new ChannelError(message.code, message.message);
    const markets = typeof marketId === "object" ? marketId : [marketId];
    for (const market of markets) this.#endTopic({ channel, marketId: market }, error);
  }

  #endTopic(topic: TopicWords, error: ChannelError): void {
    const ended = this.#requests.end(topic, error);
    if (!ended) return;
    if (ended.isPrivate) this.#options.listener.onPrivateEnded(error, ended);
    ended.conditions.drop(this.#requests, ended.isPrivate ? undefined : error);
  }
}
