import { setTimeout as delay } from "node:timers/promises";
import { describeSubscribed } from "../../contract/answers.ts";
import { ChannelError } from "../../contract/errors.ts";
import { FIRST_ID } from "../../contract/ids.ts";
import { MAXIMUM_KEYS } from "../../contract/limits.ts";
import type { SubscribedMessage, SubscribeRequest } from "../../contract/messages.ts";
import { channelHeartbeat } from "../../kernel/protocol/heartbeat.ts";
import type { Recovery } from "../../kernel/protocol/recovery.ts";
import { lastIdFor } from "../../kernel/protocol/subscribe-plan.ts";
import type { OutgoingOptions } from "../fan-out/outgoing.ts";
import type { TopicLease } from "../streams/stream-hub.ts";
import type { StreamView } from "../streams/stream-view.ts";

/** Pause between two attempts to read what an answered request still needs, in ms. */
const RETRY_MS = 250;

type PositionOf = (view: StreamView) => string | undefined;

/** The answer to a `subscribe`, and the messages that follow it at once. */
export interface Start {
  /** What the client must know before the answer, which would say that all is live. */
  readonly notices: readonly OutgoingOptions[];
  readonly answer: SubscribedMessage;
  readonly contents: readonly OutgoingOptions[];
}

const contentsOf = (view: StreamView, recovery: Recovery | undefined): OutgoingOptions[] =>
  (recovery?.entries ?? []).map((entry) => view.contentOf(entry));

/** Settles once Redis has said where the stream is. A stream that cannot be served says so itself, and the others go on. */
async function confirm(view: StreamView): Promise<void> {
  try {
    await view.confirm();
  } catch (error) {
    if (view.failure === undefined) throw error;
  }
}

/**
 * The positions of one connection in the streams of one `subscribe`, from the ids that the client has to live. Streams
 * move on while the connection is sent what it lacks: after `start`, call `next` until nothing is behind.
 */
export class CatchUp {
  readonly #request: SubscribeRequest;
  readonly #leases: readonly Pick<TopicLease, "views">[];
  /** Up to which id the connection has each stream. */
  readonly #positions = new Map<StreamView, string>();

  constructor(request: SubscribeRequest, leases: readonly Pick<TopicLease, "views">[]) {
    this.#request = request;
    this.#leases = leases;
  }

  /** Notes that the connection has these streams up to now: it continues there where the client names no id. */
  continueFrom(views: readonly StreamView[]): void {
    for (const view of views) this.#positions.set(view, view.lastId);
  }

  /**
   * Makes sure that memory reaches back to where the client is and that Redis confirmed it lately. Undefined if that holds
   * already; else the promise resolves once it does, and rejects if Redis cannot be read.
   */
  load(): Promise<void> | undefined {
    const doubtful = this.#allViews().filter((view) => this.#isDoubtful(view));
    if (doubtful.length === 0 && this.#beyondMemory(this.#requestedId).length === 0) return undefined;
    return this.#confirmAndLoad(doubtful);
  }

  /**
   * Starts every stream where the client is. Call it in the turn in which `load` was done.
   *
   * @throws ChannelError `unavailable` where more markets of a whole channel cannot be served than can be named.
   */
  start(): Start {
    const starts = this.#views().map((view) => ({ view, recovery: this.#recoveryOf(view) }));
    for (const { view } of starts) this.#positions.set(view, view.lastId);
    const positions = starts.map(({ view: { stream, lastId: id }, recovery: { recovered } }) => ({
      ...{ stream, id, recovered },
    }));
    return {
      notices: this.#notices(),
      answer: describeSubscribed(this.#request, positions),
      contents: starts.flatMap(({ view, recovery }) => contentsOf(view, recovery)),
    };
  }

  /** True while a stream has entries that the connection has not been sent. */
  get isBehind(): boolean {
    return this.#behind().length > 0;
  }

  /**
   * Resolves with the messages that the connection lacks, or with none after a pause if Redis could not be read: the
   * answer cannot be taken back.
   */
  async next(): Promise<readonly OutgoingOptions[]> {
    const behind = this.#behind();
    try {
      await this.#loadHistories((view) => this.#position(view));
    } catch {
      await delay(RETRY_MS);
      return [];
    }
    const contents = behind.flatMap((view) => contentsOf(view, view.resume(this.#position(view))));
    for (const view of behind) this.#positions.set(view, view.lastId);
    return contents;
  }

  /** The streams that can be served. */
  #views(): StreamView[] {
    return this.#allViews().filter(({ failure }) => failure === undefined);
  }

  /** Names the markets of a whole channel that cannot be served. Of a list each one's subscription ends, with an error. */
  #notices(): readonly OutgoingOptions[] {
    const { channel, keys } = this.#request;
    const failed = this.#allViews().filter(({ failure }) => failure !== undefined);
    const unavailable = failed.flatMap(({ stream: { key } }) => key ?? []);
    if (keys || unavailable.length === 0) return [];
    if (unavailable.length > MAXIMUM_KEYS) {
      throw new ChannelError("unavailable", "too many markets of the channel cannot be served; retry");
    }
    return [{ event: "heartbeat", message: channelHeartbeat(channel, [], unavailable) }];
  }

  #allViews(): StreamView[] {
    return this.#leases.flatMap((lease) => lease.views());
  }

  #behind(): StreamView[] {
    return this.#views().filter((view) => this.#position(view) !== view.lastId);
  }

  readonly #requestedId: PositionOf = (view) => lastIdFor(this.#request, view.stream) ?? this.#positions.get(view);

  #position(view: StreamView): string {
    return this.#positions.get(view) ?? FIRST_ID;
  }

  /** Returns true if memory alone says nothing: Redis has not answered lately, or the client is ahead of this node. */
  #isDoubtful(view: StreamView): boolean {
    const id = this.#requestedId(view);
    return view.failure !== undefined || !view.isConfirmed || (id !== undefined && view.isAhead(id));
  }

  #recoveryOf(view: StreamView): Recovery {
    const id = this.#requestedId(view);
    if (id === undefined) return view.snapshot();
    return view.resume(id) ?? { entries: [], recovered: false };
  }

  #beyondMemory(positionOf: PositionOf): StreamView[] {
    return this.#views().filter((view) => {
      const position = positionOf(view);
      return position !== undefined && !view.reaches(position);
    });
  }

  async #confirmAndLoad(doubtful: readonly StreamView[]): Promise<void> {
    await Promise.all(doubtful.map(confirm));
    await this.#loadHistories(this.#requestedId);
  }

  async #loadHistories(positionOf: PositionOf): Promise<void> {
    for (let short = this.#beyondMemory(positionOf); short.length > 0; short = this.#beyondMemory(positionOf)) {
      await Promise.all(short.map((view) => view.loadHistory()));
    }
  }
}
