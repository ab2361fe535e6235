import pTimeout from "p-timeout";
import { type Channel, channelDefinition } from "../../contract/channels.ts";
import { ChannelError } from "../../contract/errors.ts";
import type { Acknowledge, SubscribedMessage, SubscribeRequest, UnsubscribeRequest } from "../../contract/messages.ts";
import { roomName, type Stream, type Topic } from "../../contract/stream.ts";
import { authorizedTopics, isPrivate } from "../../kernel/auth/access.ts";
import type { Entry } from "../../kernel/streams/entry.ts";
import type { FanOut } from "../fan-out/fan-out.ts";
import type { Member } from "../fan-out/member.ts";
import type { OutgoingOptions } from "../fan-out/outgoing.ts";
import { dataOf } from "../fan-out/stream-target.ts";
import type { GatewaySocket } from "../socket-io/socket.ts";
import type { StreamHub } from "../streams/stream-hub.ts";
import type { StreamState } from "../streams/stream-state.ts";
import { CatchUp } from "./catch-up.ts";

/** How long a client waits for Redis before it is told to come back, in ms. */
const OPEN_TIMEOUT_MS = 5_000;

interface SubscriptionsOptions {
  readonly socket: GatewaySocket;
  readonly hub: StreamHub;
  readonly fanOut: FanOut;
  /** The connection in the fan-out. */
  readonly member: Member;
  /** Most subscriptions (streams and whole channels) at once. */
  readonly maximum: number;
  /** Called for each subscription that ends for another reason than a request of the client, after it was answered. */
  readonly onEnded: (stream: Topic, reason: unknown) => void;
}

/** A stream that the hub has open for this connection, and what lets go of it. */
interface OpenTopic {
  readonly stream: Topic;
  readonly release: () => void;
}

const unavailable = (cause: unknown): ChannelError =>
  new ChannelError("unavailable", "the channel cannot be reached just now; try again", { cause });

/** The streams and whole channels that one connection is subscribed to. */
export class Subscriptions {
  readonly #socket: GatewaySocket;
  readonly #hub: StreamHub;
  readonly #fanOut: FanOut;
  readonly #member: Member;
  readonly #maximum: number;
  readonly #onEnded: SubscriptionsOptions["onEnded"];
  /** By room. */
  readonly #held = new Map<string, OpenTopic>();
  #closed = false;

  constructor({ socket, hub, fanOut, member, maximum, onEnded }: SubscriptionsOptions) {
    this.#onEnded = onEnded;
    this.#socket = socket;
    this.#hub = hub;
    this.#fanOut = fanOut;
    this.#member = member;
    this.#maximum = maximum;
  }

  /**
   * Answers the request, delivers snapshot or history, and goes on live, without a message missed, doubled or out of
   * order in between. `acknowledge` is called once, just before the first message. What ends a subscription after the
   * answer, as the token's end does, is told by `onEnded`.
   *
   * @throws ChannelError `unauthorized`, `limit_exceeded` or `unavailable`; the subscriptions are as before then.
   */
  async subscribe(request: SubscribeRequest, acknowledge: Acknowledge<SubscribedMessage> | undefined): Promise<void> {
    const streams = authorizedTopics(request, this.#socket.data.identity);
    const fresh = streams.filter((stream) => !this.#held.has(roomName(stream)));
    if (this.#held.size + fresh.length > this.#maximum) {
      throw new ChannelError("limit_exceeded", `a connection may have ${this.#maximum} subscriptions`);
    }
    const opened: OpenTopic[] = [];
    try {
      const missing = this.#openNow(fresh, opened);
      if (missing.length > 0) await this.#open(missing, opened);
      const isLive = await this.#catchUp(request, streams, acknowledge);
      for (const each of opened)
        if (isLive) this.#hold(each);
        else each.release();
    } catch (error) {
      for (const { release } of opened) release();
      throw error;
    }
  }

  /** Ends the subscription that a `subscribe` with the same words began; does nothing where there is none. */
  unsubscribe(request: UnsubscribeRequest): void {
    for (const stream of authorizedTopics(request, this.#socket.data.identity)) this.#leave(roomName(stream));
  }

  /** Ends the subscriptions to private channels. Returns the channels concerned. */
  leavePrivate(): Channel[] {
    const held = [...this.#held].filter(([, { stream }]) => isPrivate(stream.channel));
    for (const [name] of held) this.#leave(name);
    return held.map(([, { stream }]) => stream.channel);
  }

  /** Lets go of everything; for a connection that has ended. */
  close(): void {
    this.#closed = true;
    this.#fanOut.disconnect(this.#member);
    for (const { release } of this.#held.values()) release();
    this.#held.clear();
  }

  /** Adds to `opened` those that take no waiting, and returns the others. */
  #openNow(streams: readonly Topic[], opened: OpenTopic[]): Topic[] {
    return streams.filter((stream) => {
      const release = this.#hub.openNow(stream);
      if (release) opened.push({ stream, release });
      return !release;
    });
  }

  /** Adds to `opened` all of them or, where one cannot be opened in time, none. */
  async #open(streams: readonly Topic[], opened: OpenTopic[]): Promise<void> {
    const opening = streams.map(async (stream) => ({ stream, release: await this.#hub.open(stream) }));
    try {
      opened.push(...(await pTimeout(Promise.all(opening), { milliseconds: OPEN_TIMEOUT_MS })));
    } catch (cause) {
      for (const late of opening) late.then(({ release }) => release()).catch(() => undefined);
      throw unavailable(cause);
    }
  }

  #hold(open: OpenTopic): void {
    if (this.#closed) open.release();
    else this.#held.set(roomName(open.stream), open);
  }

  /** Ends what has been answered already. What was held and is no longer, with the token, has been told. */
  #end(streams: readonly Topic[], fresh: readonly Topic[], reason: unknown): void {
    const ended = streams.filter((stream) => fresh.includes(stream) || this.#held.has(roomName(stream)));
    for (const stream of ended) {
      this.#leave(roomName(stream));
      this.#onEnded(stream, reason);
    }
  }

  #leave(name: string): void {
    const held = this.#held.get(name);
    if (!held) return;
    this.#held.delete(name);
    this.#fanOut.leave(this.#member, name);
    held.release();
  }

  /**
   * Rooms that the connection is in already are left meanwhile if it resumes: what they carry is part of the resume.
   * Resolves with whether the connection is live; where not, it has been told.
   */
  async #catchUp(
    request: SubscribeRequest,
    streams: readonly Topic[],
    acknowledge: Acknowledge<SubscribedMessage> | undefined,
  ): Promise<boolean> {
    const { identity } = this.#socket.data;
    const rooms = streams.map(roomName);
    const paused = request.lastId === undefined ? [] : rooms.filter((room) => this.#held.has(room));
    const states = (): StreamState[] => streams.flatMap((stream) => this.#hub.statesOf(stream));
    const catchUp = new CatchUp({
      send: (entries, answer) => this.#send(entries, answer, acknowledge),
      isConnected: () => this.#socket.connected,
      request,
      states,
      pausedAt: paused.length > 0 ? states() : [],
    });
    const fresh = streams.filter((stream) => !this.#held.has(roomName(stream)));
    const assertSameUser = (): void => {
      if (!isPrivate(request.channel) || this.#socket.data.identity?.sub === identity?.sub) return;
      throw new ChannelError("token_expired", "the token has expired; authenticate and subscribe again");
    };
    const rates = new Map(paused.map((room) => [room, this.#fanOut.leave(this.#member, room)]));
    try {
      if (!catchUp.isLoaded) {
        await pTimeout(catchUp.load(), { milliseconds: OPEN_TIMEOUT_MS }).catch((cause) => {
          throw unavailable(cause);
        });
      }
      assertSameUser();
      await catchUp.deliver(() => {
        assertSameUser();
        for (const room of rooms) this.#fanOut.join(this.#member, room, request.maxRate);
      });
      return true;
    } catch (error) {
      if (catchUp.isAnswered) {
        this.#end(streams, fresh, error);
        return false;
      }
      // Those that ended meanwhile, with the token, stay so.
      for (const [room, rate] of rates) if (this.#held.has(room)) this.#fanOut.join(this.#member, room, rate);
      throw error;
    }
  }

  #send(
    entries: readonly Entry[],
    answer?: SubscribedMessage,
    acknowledge?: Acknowledge<SubscribedMessage>,
  ): Promise<void> | undefined {
    const contents = entries.map((entry) => this.#contentOf(entry));
    if (answer) contents.unshift({ event: "subscribed", message: answer });
    // The acknowledgement comes between the event and the first message, and goes Socket.IO's way.
    if (answer && acknowledge) {
      void this.#fanOut.sendTo(this.#member, contents.splice(0, 1));
      acknowledge(answer);
    }
    return this.#fanOut.sendTo(this.#member, contents);
  }

  /** A value that waits for its turn in a long snapshot may be overtaken by a live one: the newest goes out then. */
  #contentOf(entry: Entry): OutgoingOptions {
    const stream: Stream = { channel: entry.channel, key: entry.marketId };
    if (channelDefinition(entry.channel).delivery !== "latest") return { event: "data", message: entry };
    const newest = (): OutgoingOptions | undefined => {
      const [state] = this.#hub.statesOf(stream);
      return state?.last && dataOf(stream, { ...state.last, prev: entry.prev });
    };
    return { ...dataOf(stream, entry), newest };
  }
}
