import { ChannelError } from "../../../contract/errors.ts";
import { isRecord } from "../../../contract/is-record.ts";
import type { ErrorMessage } from "../../../contract/messages.ts";
import { parseData, parseErrorMessage, parseHeartbeat, parseTopic } from "../messages/parse-messages.ts";
import type { SubscribeRequests } from "../requests/subscribe-requests.ts";
import type { Finding, SharedSubscription } from "../subscriptions/shared-subscription.ts";
import type { SubscriptionRegistry } from "../subscriptions/subscription-registry.ts";
import type { WireTopic } from "../topics/topic.ts";

export interface ServiceEventsListener {
  /** Called when the service ends a private subscription, because the token has expired or belongs to another user. */
  onPrivateEnded(error: ChannelError, subscription: SharedSubscription): void;
  /** Called with the time, in ms, over which the service wants its clients to return after an unannounced end. */
  onRetry(withinMs: number): void;
  onError(error: Error): void;
}

interface ServiceEventsOptions {
  readonly requests: SubscribeRequests;
  readonly registry: SubscriptionRegistry;
  readonly listener: ServiceEventsListener;
  readonly onDrain: (reconnectIn: number) => void;
}

/** Returns the time of an event, in ms; 0 or NaN where it has none. */
const readTime = (value: unknown): number => Number(isRecord(value) && value.reconnectIn);

/** Handles the events that the service sends on one connection. */
export class ServiceEvents {
  readonly #options: ServiceEventsOptions;

  constructor(options: ServiceEventsOptions) {
    this.#options = options;
  }

  /** Handles one event, and reports one that is unknown or malformed. */
  handle(event: string, value: unknown): void {
    switch (event) {
      case "data":
        this.#onData(value);
        break;
      case "heartbeat":
        this.#onHeartbeat(value);
        break;
      case "drain":
        this.#options.onDrain(readTime(value));
        break;
      case "retry":
        this.#options.listener.onRetry(readTime(value));
        break;
      case "error":
        this.#onErrorMessage(parseErrorMessage(value));
        break;
      case "subscribed":
      case "unsubscribed":
      case "authenticated":
        // The answer to the request says the same.
        break;
      default:
        this.#report(`an unknown event: ${event.slice(0, 64)}`);
    }
  }

  /** Handles the end of a subscription at the service. */
  endTopic(topic: WireTopic, error: ChannelError): void {
    const { requests, listener } = this.#options;
    const ended = requests.onEnded(topic, error);
    if (!ended) return;
    if (ended.isPrivate) listener.onPrivateEnded(error, ended);
    ended.health.drop(requests, ended.isPrivate ? undefined : error);
  }

  #onData(value: unknown): void {
    const { requests, registry } = this.#options;
    const message = parseData(value);
    if (!message) {
      this.#onMalformed(value);
      return;
    }
    const isReplay = requests.replays.covers(message);
    const findings = new Set<Finding>();
    for (const subscription of registry.matching(message)) {
      const finding = subscription.take(message, !isReplay && requests.showsReset(subscription));
      findings.add(finding);
      if (finding !== "fine" && finding !== "verified")
        requests.repairs.repair(subscription, [message.marketId], finding === "reset");
    }
    if (findings.has("wrong")) registry.wrongStates += 1;
    if (findings.has("verified")) registry.verifiedStates += 1;
  }

  /** Repairs the stream of a state channel that a malformed message names, and reports any other one. */
  #onMalformed(value: unknown): void {
    const { requests, registry } = this.#options;
    const topic = parseTopic(value);
    const damaged = topic ? registry.matching(topic).filter((each) => each.distrust(topic.marketId)) : [];
    for (const subscription of damaged) requests.repairs.repair(subscription, [topic?.marketId]);
    if (damaged.length > 0) registry.wrongStates += 1;
    else this.#report("a malformed data message");
  }

  #onHeartbeat(value: unknown): void {
    const { requests, registry } = this.#options;
    const heartbeat = parseHeartbeat(value);
    if (!heartbeat) {
      this.#report("a malformed heartbeat");
      return;
    }
    const { channel, marketId } = heartbeat;
    for (const subscription of registry.matching(heartbeat)) {
      const reset = subscription.takeHeartbeat(heartbeat, requests.showsReset(subscription));
      if (reset.size > 0) requests.repairs.repair(subscription, reset, true);
      else requests.repairs.awaitArrival(subscription, "heartbeat");
    }
    // A heartbeat names the topic of a subscription. One that nobody has was left over at the service.
    if (!registry.find({ channel, marketId })) requests.unsubscribeStray({ channel, marketId });
  }

  /** Handles an error that ends subscriptions. A refusal comes with the answer to its request too, and is handled there. */
  #onErrorMessage(message: ErrorMessage | undefined): void {
    if (message?.channel === undefined) return;
    const { channel, marketId } = message;
    const error = new ChannelError(message.code, message.message);
    const markets = typeof marketId === "object" ? marketId : [marketId];
    for (const market of markets) this.endTopic({ channel, marketId: market }, error);
  }

  #report(what: string): void {
    this.#options.listener.onError(new Error(`the service sent ${what}`));
  }
}
