import pTimeout from "p-timeout";
import type { Channel } from "../../contract/channels.ts";
import { ChannelError } from "../../contract/errors.ts";
import type { Acknowledge, SubscribedMessage, SubscribeRequest, UnsubscribeRequest } from "../../contract/messages.ts";
import { roomName, type Stream, type Topic } from "../../contract/stream.ts";
import { authorizedTopics, isPrivate } from "../../kernel/auth/access.ts";
import type { Identity } from "../../kernel/auth/token-verifier.ts";
import { isSameUser } from "../../kernel/protocol/authentication.ts";
import { isLatest } from "../../kernel/protocol/recovery.ts";
import { planSubscribe } from "../../kernel/protocol/subscribe-plan.ts";
import type { Entry } from "../../kernel/streams/entry.ts";
import type { FanOut } from "../fan-out/fan-out.ts";
import type { Member } from "../fan-out/member.ts";
import type { OutgoingOptions } from "../fan-out/outgoing.ts";
import { dataOf } from "../fan-out/stream-target.ts";
import type { GatewaySocket } from "../socket-io/socket.ts";
import type { StreamHub, TopicLease } from "../streams/stream-hub.ts";
import { CatchUp } from "./catch-up.ts";

/** Time limit of a request's wait for Redis, in ms; after it, the request is refused as `unavailable`. */
const REDIS_TIMEOUT_MS = 5_000;

interface SubscriptionsOptions {
  readonly socket: GatewaySocket;
  readonly hub: StreamHub;
  readonly fanOut: FanOut;
  /** The connection in the fan-out. */
  readonly member: Member;
  /** Most subscriptions (streams and whole channels) at once. */
  readonly maximum: number;
  /** Called for each subscription that ends after its answer and not by a request of the client. */
  readonly onEnded: (topic: Topic, reason: unknown) => void;
}

/** A `subscribe` that is under way. */
interface Attempt {
  readonly request: SubscribeRequest;
  /** The user that the connection had when the request came. */
  readonly identity: Identity | undefined;
  /** All topics of the request. */
  readonly leases: readonly TopicLease[];
  /** Those that the connection was not subscribed to before. */
  readonly fresh: readonly TopicLease[];
  readonly catchUp: CatchUp;
  /** Rooms that the connection has left until it is caught up, each with the rate that it was in with. */
  readonly paused: Map<string, number | undefined>;
}

/** Settles as the promise does; rejects with `unavailable` if it rejects or takes too long. */
async function inTime(waiting: Promise<unknown>): Promise<void> {
  try {
    await pTimeout(waiting, { milliseconds: REDIS_TIMEOUT_MS });
  } catch (cause) {
    throw new ChannelError("unavailable", "channel temporarily unavailable; retry", { cause });
  }
}

/** Resolves once all leases are open; undefined if they are already. */
function openingOf(leases: readonly TopicLease[]): Promise<unknown> | undefined {
  const opening = leases.flatMap((lease) => lease.opening ?? []);
  return opening.length > 0 ? Promise.all(opening) : undefined;
}

/** The streams and whole channels that one connection is subscribed to. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  /** By room. */
  readonly #held = new Map<string, TopicLease>();
  #closed = false;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /**
   * Answers the request, delivers snapshot or history, and goes live, without a message missed, doubled or out of order
   * in between. Waits only for what is not there yet: most clients are live in the turn in which they asked. `acknowledge`
   * is called once, just before the first message. What ends a subscription after the answer is reported to `onEnded`.
   *
   * @throws ChannelError `unauthorized`, `limit_exceeded` or `unavailable`; the subscriptions are as before then.
   */
  async subscribe(request: SubscribeRequest, acknowledge: Acknowledge<SubscribedMessage> | undefined): Promise<void> {
    const attempt = this.#begin(request);
    const { catchUp } = attempt;
    let start: ReturnType<CatchUp["start"]>;
    try {
      const opening = openingOf(attempt.fresh);
      if (opening) await inTime(opening);
      this.#pause(attempt);
      const loading = catchUp.load();
      if (loading) await inTime(loading);
      this.#assertSameUser(attempt);
      start = catchUp.start();
    } catch (error) {
      this.#undo(attempt);
      throw error;
    }
    try {
      let sending = this.#sendAnswer(start.answer, start.entries, acknowledge);
      if (sending) await sending;
      while (!this.#closed && catchUp.isBehind) {
        sending = this.#send(await catchUp.next());
        if (sending) await sending;
      }
      this.#goLive(attempt);
    } catch (reason) {
      this.#end(attempt, reason);
    }
  }

  /** Ends the subscriptions that a `subscribe` for the same topics began; does nothing where there are none. */
  unsubscribe(request: UnsubscribeRequest): void {
    for (const topic of authorizedTopics(request, this.#identity)) this.#leave(roomName(topic));
  }

  /** Ends the subscriptions to private channels. Returns the channels concerned. */
  leavePrivate(): Channel[] {
    const held = [...this.#held.values()].filter(({ topic }) => isPrivate(topic.channel));
    for (const { room } of held) this.#leave(room);
    return held.map(({ topic }) => topic.channel);
  }

  /** Releases everything; for a connection that has ended. */
  close(): void {
    this.#closed = true;
    this.#options.fanOut.disconnect(this.#options.member);
    for (const lease of this.#held.values()) lease.release();
    this.#held.clear();
  }

  get #identity(): Identity | undefined {
    return this.#options.socket.data.identity;
  }

  #begin(request: SubscribeRequest): Attempt {
    const { hub, maximum: maximumSubscriptions } = this.#options;
    const identity = this.#identity;
    const { topics } = planSubscribe(request, { identity, subscriptions: this.#held, maximumSubscriptions });
    const leases = topics.map((topic) => this.#held.get(roomName(topic)) ?? hub.open(topic));
    const fresh = leases.filter(({ room }) => !this.#held.has(room));
    return { request, identity, leases, fresh, catchUp: new CatchUp(request, leases), paused: new Map() };
  }

  /**
   * Leaves the rooms that the connection is in already, if it resumes: what they carry meanwhile is part of the resume,
   * which continues from here where the client names no id.
   */
  #pause({ request, leases, catchUp, paused }: Attempt): void {
    if (request.lastId === undefined) return;
    const { fanOut, member } = this.#options;
    for (const lease of leases.filter(({ room }) => this.#held.has(room))) {
      catchUp.continueFrom(lease.states());
      paused.set(lease.room, fanOut.leave(member, lease.room));
    }
  }

  /** Restores the subscriptions that were there before. Those that ended meanwhile, with the token, stay ended. */
  #undo({ fresh, paused }: Attempt): void {
    const { fanOut, member } = this.#options;
    for (const lease of fresh) lease.release();
    for (const [room, rate] of paused) if (this.#held.has(room)) fanOut.join(member, room, rate);
  }

  /** Joins the rooms, unless the connection has ended. The client is level with every stream in this turn. */
  #goLive(attempt: Attempt): void {
    const { fanOut, member } = this.#options;
    if (this.#closed) {
      for (const lease of attempt.fresh) lease.release();
      return;
    }
    this.#assertSameUser(attempt);
    for (const lease of attempt.leases) {
      fanOut.join(member, lease.room, attempt.request.maxRate);
      this.#held.set(lease.room, lease);
    }
  }

  /** Ends what has been answered already. The client knows of what was held before and ended meanwhile, with the token. */
  #end({ leases, fresh }: Attempt, reason: unknown): void {
    for (const lease of leases) {
      const wasHeld = this.#leave(lease.room);
      if (!wasHeld && !fresh.includes(lease)) continue;
      if (!wasHeld) lease.release();
      this.#options.onEnded(lease.topic, reason);
    }
  }

  /** Returns true if the connection was subscribed to the room's topic. */
  #leave(room: string): boolean {
    const lease = this.#held.get(room);
    if (!lease) return false;
    this.#held.delete(room);
    this.#options.fanOut.leave(this.#options.member, room);
    lease.release();
    return true;
  }

  #assertSameUser({ request, identity }: Attempt): void {
    if (!isPrivate(request.channel) || isSameUser(identity, this.#identity)) return;
    throw new ChannelError("token_expired", "the token has expired; authenticate and subscribe again");
  }

  #sendAnswer(
    answer: SubscribedMessage,
    entries: readonly Entry[],
    acknowledge: Acknowledge<SubscribedMessage> | undefined,
  ): Promise<void> | undefined {
    const { fanOut, member } = this.#options;
    const subscribed = { event: "subscribed", message: answer } as const;
    const contents = entries.map((entry) => this.#contentOf(entry));
    if (!acknowledge) return fanOut.sendTo(member, [subscribed, ...contents]);
    // The acknowledgement goes between the event and the first message, and over Socket.IO.
    void fanOut.sendTo(member, [subscribed]);
    acknowledge(answer);
    return fanOut.sendTo(member, contents);
  }

  /** Sends entries after all that the connection has been sent. Undefined if it has taken them at once. */
  #send(entries: readonly Entry[]): Promise<void> | undefined {
    return this.#options.fanOut.sendTo(
      this.#options.member,
      entries.map((entry) => this.#contentOf(entry)),
    );
  }

  /** A value that waits for its turn in a long snapshot may be overtaken by a live one: the newest goes out then. */
  #contentOf(entry: Entry): OutgoingOptions {
    const stream: Stream = { channel: entry.channel, key: entry.marketId };
    if (!isLatest(stream)) return { event: "data", message: entry };
    const newest = (): OutgoingOptions | undefined => {
      const last = this.#options.hub.stateOf(stream)?.last;
      return last && dataOf(stream, { ...last, prev: entry.prev });
    };
    return { ...dataOf(stream, entry), newest };
  }
}
