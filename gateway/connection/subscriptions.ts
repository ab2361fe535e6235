import type { Channel } from "../../contract/channels.ts";
import { ChannelError } from "../../contract/errors.ts";
import type { Acknowledge, SubscribedMessage, SubscribeRequest, UnsubscribeRequest } from "../../contract/messages.ts";
import { isStateChannel } from "../../contract/state/state-formats.ts";
import { roomName, type Topic } from "../../contract/stream.ts";
import { authorizedTopics, isPrivate } from "../../kernel/auth/access.ts";
import type { Identity } from "../../kernel/auth/token-verifier.ts";
import { isSameUser } from "../../kernel/protocol/authentication.ts";
import { planSubscribe } from "../../kernel/protocol/subscribe-plan.ts";
import type { FanOut } from "../fan-out/fan-out.ts";
import type { Member } from "../fan-out/member.ts";
import type { OutgoingOptions } from "../fan-out/outgoing.ts";
import type { GatewaySocket } from "../socket-io/socket.ts";
import type { StreamHub, TopicLease } from "../streams/stream-hub.ts";
import { viewOf, viewRoom } from "../streams/stream-view.ts";
import { CatchUp, type Start } from "./catch-up.ts";
import { type Attempt, assertServed, inTime, openingOf, unavailable } from "./subscribe-attempt.ts";

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
      assertServed(attempt);
      start = catchUp.start();
    } catch (error) {
      this.#undo(attempt);
      throw error;
    }
    try {
      let sending = this.#sendAnswer(start, acknowledge);
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
    const { maximum: maximumSubscriptions } = this.#options;
    const identity = this.#identity;
    const { topics } = planSubscribe(request, { identity, subscriptions: this.#held, maximumSubscriptions });
    const fresh = new Set<TopicLease>();
    const leases = topics.map((topic) => this.#heldAs(topic, request) ?? this.#open(topic, request, fresh));
    return { request, identity, leases, fresh, catchUp: new CatchUp(request, leases), paused: new Map() };
  }

  /** Returns the lease of a topic that the connection is subscribed to in the view that a request asks for. */
  #heldAs(topic: Topic, request: SubscribeRequest): TopicLease | undefined {
    const held = this.#held.get(roomName(topic));
    return held?.fanOutRoom === viewRoom(topic, viewOf(request)) ? held : undefined;
  }

  #open(topic: Topic, request: SubscribeRequest, fresh: Set<TopicLease>): TopicLease {
    const onLost = (cause: Error): void => {
      if (this.#held.get(lease.room) === lease) this.#lose(lease, cause);
    };
    const lease = this.#options.hub.open(topic, { view: viewOf(request), onLost });
    fresh.add(lease);
    return lease;
  }

  /**
   * Leaves the rooms that the connection is in already, if it resumes: what they carry meanwhile is part of the resume,
   * which continues from here where the client names no id. On a `state` channel it leaves them in any case, as changes would
   * not fit what else the client is sent meanwhile, and a stream without an id begins with its value: who has lost that, asks so.
   */
  #pause({ request, leases, catchUp, paused }: Attempt): void {
    const isState = isStateChannel(request.channel);
    if (request.lastId === undefined && !isState) return;
    const { fanOut, member } = this.#options;
    for (const lease of leases) {
      const held = this.#held.get(lease.room);
      if (!held) continue;
      if (!isState) catchUp.continueFrom(lease.views());
      paused.set(held, fanOut.leave(member, held.fanOutRoom));
    }
  }

  /** Restores the subscriptions that were there before. Those that ended meanwhile, with the token, stay ended. */
  #undo({ fresh, paused }: Attempt): void {
    const { fanOut, member } = this.#options;
    for (const lease of fresh) lease.release();
    for (const [lease, rate] of paused) {
      if (this.#held.get(lease.room) === lease) fanOut.join(member, lease.fanOutRoom, rate);
    }
  }

  /** Joins the rooms, unless the connection has ended. The client is level with every stream in this turn. */
  #goLive(attempt: Attempt): void {
    if (this.#closed) {
      for (const lease of attempt.fresh) lease.release();
      return;
    }
    this.#assertSameUser(attempt);
    for (const lease of attempt.leases) this.#hold(lease, attempt);
  }

  /** Joins a topic's room, and leaves the one of another view. Ends the subscription where the topic cannot be served. */
  #hold(lease: TopicLease, { request, fresh }: Attempt): void {
    const { fanOut, member } = this.#options;
    const isFresh = fresh.has(lease);
    // A lease that was held may be over: the topic could not be served meanwhile.
    const isOver = !isFresh && this.#held.get(lease.room) !== lease;
    if (isFresh) this.#leave(lease.room);
    if (!isOver) {
      fanOut.join(member, lease.fanOutRoom, request.maxRate);
      this.#held.set(lease.room, lease);
    }
    if (isOver || lease.failure) this.#lose(lease, lease.failure);
  }

  /** Ends what has been answered already. The client knows of what was held before and ended meanwhile, with the token. */
  #end({ leases, fresh }: Attempt, reason: unknown): void {
    for (const lease of leases) {
      const wasHeld = this.#leave(lease.room);
      const isFresh = fresh.has(lease);
      if (isFresh) lease.release();
      if (wasHeld || isFresh) this.#options.onEnded(lease.topic, reason);
    }
  }

  #lose({ room, topic }: TopicLease, cause: unknown): void {
    this.#leave(room);
    this.#options.onEnded(topic, unavailable(cause));
  }

  /** Returns true if the connection was subscribed to the room's topic. */
  #leave(room: string): boolean {
    const lease = this.#held.get(room);
    if (!lease) return false;
    this.#held.delete(room);
    this.#options.fanOut.leave(this.#options.member, lease.fanOutRoom);
    lease.release();
    return true;
  }

  #assertSameUser({ request, identity }: Attempt): void {
    if (!isPrivate(request.channel) || isSameUser(identity, this.#identity)) return;
    throw new ChannelError("token_expired", "the token has expired; authenticate and subscribe again");
  }

  #sendAnswer(
    { notices, answer, contents }: Start,
    acknowledge: Acknowledge<SubscribedMessage> | undefined,
  ): Promise<void> | undefined {
    const { fanOut, member } = this.#options;
    const subscribed = { event: "subscribed", message: answer } as const;
    if (!acknowledge) return fanOut.sendTo(member, [...notices, subscribed, ...contents]);
    // The acknowledgement goes between the event and the first message, and over Socket.IO.
    void fanOut.sendTo(member, [...notices, subscribed]);
    acknowledge(answer);
    return fanOut.sendTo(member, contents);
  }

  /** Sends messages after all that the connection has been sent. Undefined if it has taken them at once. */
  #send(contents: readonly OutgoingOptions[]): Promise<void> | undefined {
    return this.#options.fanOut.sendTo(this.#options.member, contents);
  }
}
