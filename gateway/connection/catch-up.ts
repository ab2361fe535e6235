import { setTimeout as delay } from "node:timers/promises";
import { describeSubscribed } from "../../contract/answers.ts";
import { channelDefinition } from "../../contract/channels.ts";
import { compareIds, FIRST_ID } from "../../contract/ids.ts";
import type { SubscribedMessage, SubscribeRequest } from "../../contract/messages.ts";
import type { Entry } from "../../kernel/streams/entry.ts";
import type { Resume, StreamState } from "../streams/stream-state.ts";

/** Pause between two attempts to read what an answered request still needs, in ms. */
const RETRY_MS = 250;

interface CatchUpOptions {
  /**
   * Sends entries to the connection, after all that it has been sent, and before them the answer if there is one.
   * Undefined where it has taken them at once; otherwise resolves once it has.
   */
  readonly send: (entries: readonly Entry[], answer?: SubscribedMessage) => Promise<void> | undefined;
  /** Whether there is anybody to send to. */
  readonly isConnected: () => boolean;
  readonly request: SubscribeRequest;
  /** The streams that the request concerns; on a whole channel more may come. */
  readonly states: () => StreamState[];
  /** Those whose live messages the connection had until now: they go on from here where the client names no id. */
  readonly pausedAt: readonly StreamState[];
}

/** The id that the client says it has of a stream. */
function lastIdOf({ lastId }: SubscribeRequest, { stream }: StreamState): string | undefined {
  return lastId === undefined || typeof lastId === "string" ? lastId : lastId.get(stream.key ?? "");
}

/** Where a stream begins for a client that has nothing of it: `latest` with its value, the others with what comes. */
function snapshotOf(state: StreamState): Resume {
  const isLatest = channelDefinition(state.stream.channel).delivery === "latest";
  return { entries: isLatest && state.last ? [state.last] : [], recovered: true };
}

/** One `subscribe` of one connection, from what the client has to live. */
export class CatchUp {
  readonly #options: CatchUpOptions;
  /** Up to which id the connection has each stream. */
  readonly #positions: Map<StreamState, string>;
  #isAnswered = false;

  constructor(options: CatchUpOptions) {
    this.#options = options;
    this.#positions = new Map(options.pausedAt.map((state) => [state, state.lastId]));
  }

  /** Whether the client has been told that it is subscribed: what fails then is no refusal any more. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** Whether memory reaches back to where the client is, and Redis has confirmed it of late. */
  get isLoaded(): boolean {
    return this.#doubtful().length === 0 && this.#short(this.#asked).length === 0;
  }

  /** Makes sure that it does. Rejects where Redis cannot be read. */
  async load(): Promise<void> {
    await Promise.all(this.#doubtful().map((state) => state.confirm()));
    await this.#loadUntil(this.#asked);
  }

  /**
   * Answers, delivers until the connection is level with every stream, and calls `join` in that same turn; not where
   * the connection has ended. Streams go on between two turns; what comes meanwhile is part of the next round, however
   * long Redis takes to be there for it: the answer cannot be taken back. Call it in the turn in which `load` resolved.
   */
  async deliver(join: () => void): Promise<void> {
    const { request, states, isConnected, send } = this.#options;
    const resumes = new Map(states().map((state) => [state, this.#start(state)]));
    for (const state of resumes.keys()) this.#positions.set(state, state.lastId);
    const positions = [...resumes].map(([{ stream, lastId }, { recovered }]) => ({ stream, id: lastId, recovered }));
    const first = [...resumes.values()].flatMap(({ entries }) => entries);
    // Without a wait where none is needed: most clients are live in the turn in which they asked.
    this.#isAnswered = true;
    let sending = send(first, describeSubscribed(request, positions));
    if (sending) await sending;
    while (isConnected()) {
      const behind = states().filter((state) => this.#position(state) !== state.lastId);
      if (behind.length === 0) return join();
      try {
        await this.#loadUntil((state) => this.#position(state));
      } catch {
        await delay(RETRY_MS);
        continue;
      }
      const entries = behind.flatMap((state) => state.resume(this.#position(state))?.entries ?? []);
      for (const state of behind) this.#positions.set(state, state.lastId);
      sending = send(entries);
      if (sending) await sending;
    }
  }

  /** Streams that memory alone says nothing about: Redis was not heard of late, or the client is ahead of this node. */
  #doubtful(): StreamState[] {
    return this.#options.states().filter((state) => {
      const asked = this.#asked(state);
      return !state.isConfirmed || (asked !== undefined && compareIds(asked, state.lastId) > 0);
    });
  }

  readonly #asked = (state: StreamState): string | undefined =>
    lastIdOf(this.#options.request, state) ?? this.#positions.get(state);

  #position(state: StreamState): string {
    return this.#positions.get(state) ?? FIRST_ID;
  }

  #start(state: StreamState): Resume {
    const id = this.#asked(state);
    if (id === undefined) return snapshotOf(state);
    return state.resume(id) ?? { entries: [], recovered: false };
  }

  #short(positionOf: (state: StreamState) => string | undefined): StreamState[] {
    return this.#options.states().filter((state) => {
      const position = positionOf(state);
      return position !== undefined && state.resume(position) === undefined;
    });
  }

  async #loadUntil(positionOf: (state: StreamState) => string | undefined): Promise<void> {
    for (let short = this.#short(positionOf); short.length > 0; short = this.#short(positionOf)) {
      await Promise.all(short.map((state) => state.loadHistory()));
    }
  }
}
