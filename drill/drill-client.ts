import { io, type ManagerOptions, type Socket } from "socket.io-client";
import type { Channel } from "../contract/channels.ts";
import { NAMESPACE } from "../contract/endpoints.ts";
import { compareIds } from "../contract/ids.ts";
import type {
  ClientToServerEvents,
  DataMessage,
  ErrorMessage,
  HeartbeatMessage,
  ServerToClientEvents,
  SubscribedMessage,
} from "../contract/messages.ts";
import { numberOf } from "./messages.ts";
import { type Request, Subscription } from "./subscription.ts";

/** Delay before a temporarily refused request is made again, in ms. */
const RETRY_MS = 250;

/** Least time between requests that follow from a reset, in ms. */
const RESET_MS = 1_000;

/** A message that the application got. */
export interface Applied {
  readonly id: string;
  readonly number: number;
  /** In ms since 1970. */
  readonly at: number;
  /** True if it came as part of a resume. */
  readonly isResumed: boolean;
}

/** Notice to the application that a stream could not be completed after an id. */
export interface Report {
  readonly stream: string;
  readonly lastId: string;
  /** Number of messages of the stream that the application had got by then. */
  readonly place?: number;
}

/** Messages and events that one client saw since the last `reset`. */
export interface Journal {
  /** By stream name, in the order of arrival. */
  readonly applied: Map<string, Applied[]>;
  readonly reports: Report[];
  /** Holes that the client found on its own, and those of them that were filled. */
  holes: number;
  repaired: number;
  /** Messages that came again and were dropped. */
  repeats: number;
  /** Refusals that were not temporary. */
  readonly refusals: string[];
  /** Messages of `state` channels that did not lead to the value of their sum. */
  readonly mismatches: string[];
}

const createJournal = (): Journal => ({
  ...{ applied: new Map(), reports: [], refusals: [], mismatches: [] },
  ...{ holes: 0, repaired: 0, repeats: 0 },
});

export interface DrillClientOptions {
  readonly name: string;
  readonly url: string;
  readonly user?: string | undefined;
  readonly token?: string | undefined;
  /** At most one per channel. */
  readonly requests: readonly Request[];
  /** Waits between attempts to connect. @default shorter than Socket.IO's own */
  readonly backoff?: Pick<ManagerOptions, "reconnectionDelay" | "reconnectionDelayMax">;
  /** Called when the connection is lost. */
  readonly onLost?: () => void;
  /** Called with each answer after which every subscription has its own. */
  readonly onSettled?: () => void;
}

const QUICK_BACKOFF = { reconnectionDelay: 100, reconnectionDelayMax: 1_000 };

/** A stock socket.io-client and the rule of `id` and `prev`, which is all that it takes to miss nothing. */
export class DrillClient {
  readonly name: string;
  readonly #socket: Socket<ServerToClientEvents, ClientToServerEvents>;
  readonly #subscriptions: ReadonlyMap<Channel, Subscription>;
  readonly #askedAt = new Map<Subscription, number>();
  readonly #onSettled: (() => void) | undefined;
  #journal = createJournal();
  /** Counts connections: an answer to an earlier one's request is void. */
  #generation = 0;

  constructor({ name, url, user, token, requests, backoff = QUICK_BACKOFF, onLost, onSettled }: DrillClientOptions) {
    this.name = name;
    this.#onSettled = onSettled;
    this.#subscriptions = new Map(requests.map((request) => [request.channel, new Subscription(request, user)]));
    this.#socket = io(`${url}${NAMESPACE}`, {
      transports: ["websocket"],
      auth: { token },
      forceNew: true,
      ...backoff,
    });
    this.#socket.on("disconnect", () => onLost?.());
    this.#socket.on("connect", () => this.#onConnect());
    this.#socket.on("data", (message) => this.#onData(message));
    this.#socket.on("heartbeat", (heartbeat) => this.#onHeartbeat(heartbeat));
  }

  get journal(): Journal {
    return this.#journal;
  }

  /** True if it is connected and every subscription is answered. */
  get isSettled(): boolean {
    return this.#socket.connected && [...this.#subscriptions.values()].every(({ isAsking }) => !isAsking);
  }

  /** The last id per stream name, of the streams that it has had to do with. */
  positions(): ReadonlyMap<string, string | undefined> {
    const followed = [...this.#subscriptions.values()].flatMap((subscription) => [...subscription.followed]);
    return new Map(followed.map(([name, { position }]) => [name, position.lastId]));
  }

  reset(): void {
    this.#journal = createJournal();
  }

  /** Goes away, as an app in the background does. */
  leave(): void {
    this.#socket.disconnect();
  }

  /** Comes back after `leave`. */
  comeBack(): void {
    this.#socket.connect();
  }

  #onConnect(): void {
    this.#generation += 1;
    for (const subscription of this.#subscriptions.values()) {
      subscription.suspectAll();
      this.#ask(subscription);
    }
  }

  #ask(subscription: Subscription): void {
    const generation = this.#generation;
    this.#askedAt.set(subscription, Date.now());
    this.#socket.emit("subscribe", subscription.ask(), (answer: SubscribedMessage | ErrorMessage) => {
      if (generation !== this.#generation) return;
      if ("code" in answer) this.#onRefusal(subscription, answer);
      else this.#onAnswer(subscription, answer);
    });
  }

  #onRefusal(subscription: Subscription, { code, channel }: ErrorMessage): void {
    const generation = this.#generation;
    if (code !== "unavailable" && code !== "rate_limited") this.#journal.refusals.push(`${channel}: ${code}`);
    setTimeout(() => generation === this.#generation && this.#socket.connected && this.#ask(subscription), RETRY_MS);
  }

  /** A stream that was reset shows it with every message: one request a second is enough. */
  #askLater(subscription: Subscription): void {
    const generation = this.#generation;
    subscription.isAsking = true;
    const wait = Math.max(0, (this.#askedAt.get(subscription) ?? 0) + RESET_MS - Date.now());
    setTimeout(() => generation === this.#generation && this.#socket.connected && this.#ask(subscription), wait);
  }

  #onAnswer(subscription: Subscription, answer: SubscribedMessage): void {
    const { holes, isBehind, reported } = subscription.settle(answer);
    this.#journal.holes += holes;
    for (const { stream, lastId } of reported) {
      const place = this.#journal.applied.get(stream.name)?.length ?? 0;
      this.#journal.reports.push({ stream: stream.name, lastId, place });
    }
    if (isBehind) this.#ask(subscription);
    if (this.isSettled) this.#onSettled?.();
  }

  #onData(message: DataMessage): void {
    const subscription = this.#subscriptions.get(message.channel);
    if (!subscription) {
      this.#journal.refusals.push(`a message of ${message.channel}, which was not asked for`);
      return;
    }
    const { step, followed } = subscription.take(message);
    if (step === "drop") this.#journal.repeats += 1;
    if (step === "mismatch")
      this.#journal.mismatches.push(`${message.channel} ${message.id}: its sum is not the value's`);
    if ((step === "hole" || step === "mismatch") && !subscription.isAsking) this.#ask(subscription);
    if (step === "reset" && !subscription.isAsking) this.#askLater(subscription);
    if (step !== "apply") return;
    const { name } = followed.position.stream;
    const isResumed = compareIds(message.id, followed.resumedUntil) <= 0;
    const applied = this.#journal.applied.get(name) ?? [];
    this.#journal.applied.set(name, applied);
    applied.push({ id: message.id, number: numberOf(message.event) ?? Number.NaN, at: Date.now(), isResumed });
    if (followed.isOpen && compareIds(message.id, followed.resumedUntil) >= 0) {
      followed.isOpen = false;
      this.#journal.repaired += 1;
    }
  }

  #onHeartbeat(heartbeat: HeartbeatMessage): void {
    const subscription = this.#subscriptions.get(heartbeat.channel);
    if (!subscription || subscription.isAsking) return;
    if (subscription.hears(heartbeat, Date.now())) this.#ask(subscription);
  }
}
