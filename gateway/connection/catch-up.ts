import { setTimeout as delay } from "node:timers/promises";
import { describeSubscribed } from "../../contract/answers.ts";
import { compareIds, FIRST_ID } from "../../contract/ids.ts";
import type { SubscribedMessage, SubscribeRequest } from "../../contract/messages.ts";
import { type Recovery, snapshotOf } from "../../kernel/protocol/recovery.ts";
import { lastIdFor } from "../../kernel/protocol/subscribe-plan.ts";
import type { Entry } from "../../kernel/streams/entry.ts";
import type { TopicLease } from "../streams/stream-hub.ts";
import type { StreamState } from "../streams/stream-state.ts";

/** Pause between two attempts to read what an answered request still needs, in ms. */
const RETRY_MS = 250;

type PositionOf = (state: StreamState) => string | undefined;

/** The answer to a `subscribe`, and the entries that follow it at once. */
interface Start {
  readonly answer: SubscribedMessage;
  readonly entries: readonly Entry[];
}

/**
 * The positions of one connection in the streams of one `subscribe`, from the ids that the client has to live. Streams
 * move on while the connection is sent what it lacks: after `start`, call `next` until nothing is behind.
 */
export class CatchUp {
  readonly #request: SubscribeRequest;
  readonly #leases: readonly Pick<TopicLease, "states">[];
  /** Up to which id the connection has each stream. */
  readonly #positions = new Map<StreamState, string>();

  constructor(request: SubscribeRequest, leases: readonly Pick<TopicLease, "states">[]) {
    this.#request = request;
    this.#leases = leases;
  }

  /** Notes that the connection has these streams up to now: it continues there where the client names no id. */
  continueFrom(states: readonly StreamState[]): void {
    for (const state of states) this.#positions.set(state, state.lastId);
  }

  /**
   * Makes sure that memory reaches back to where the client is and that Redis confirmed it lately. Undefined if that holds
   * already; else the promise resolves once it does, and rejects if Redis cannot be read.
   */
  load(): Promise<void> | undefined {
    const doubtful = this.#states().filter((state) => this.#isDoubtful(state));
    if (doubtful.length === 0 && this.#beyondMemory(this.#requestedId).length === 0) return undefined;
    return this.#confirmAndLoad(doubtful);
  }

  /** Starts every stream where the client is. Call it in the turn in which `load` was done. */
  start(): Start {
    const starts = this.#states().map((state) => ({ state, recovery: this.#recoveryOf(state) }));
    for (const { state } of starts) this.#positions.set(state, state.lastId);
    const positions = starts.map(({ state: { stream, lastId: id }, recovery: { recovered } }) => ({
      ...{ stream, id, recovered },
    }));
    return {
      answer: describeSubscribed(this.#request, positions),
      entries: starts.flatMap(({ recovery }) => recovery.entries),
    };
  }

  /** True while a stream has entries that the connection has not been sent. */
  get isBehind(): boolean {
    return this.#behind().length > 0;
  }

  /**
   * Resolves with the entries that the connection lacks, or with none after a pause if Redis could not be read: the
   * answer cannot be taken back.
   */
  async next(): Promise<readonly Entry[]> {
    const behind = this.#behind();
    try {
      await this.#loadHistories((state) => this.#position(state));
    } catch {
      await delay(RETRY_MS);
      return [];
    }
    const entries = behind.flatMap((state) => state.resume(this.#position(state))?.entries ?? []);
    for (const state of behind) this.#positions.set(state, state.lastId);
    return entries;
  }

  #states(): StreamState[] {
    return this.#leases.flatMap((lease) => lease.states());
  }

  #behind(): StreamState[] {
    return this.#states().filter((state) => this.#position(state) !== state.lastId);
  }

  readonly #requestedId: PositionOf = (state) => lastIdFor(this.#request, state.stream) ?? this.#positions.get(state);

  #position(state: StreamState): string {
    return this.#positions.get(state) ?? FIRST_ID;
  }

  /** Returns true if memory alone says nothing: Redis has not answered lately, or the client is ahead of this node. */
  #isDoubtful(state: StreamState): boolean {
    const id = this.#requestedId(state);
    return !state.isConfirmed || (id !== undefined && compareIds(id, state.lastId) > 0);
  }

  #recoveryOf(state: StreamState): Recovery {
    const id = this.#requestedId(state);
    if (id === undefined) return snapshotOf(state.stream, state.last);
    return state.resume(id) ?? { entries: [], recovered: false };
  }

  #beyondMemory(positionOf: PositionOf): StreamState[] {
    return this.#states().filter((state) => {
      const position = positionOf(state);
      return position !== undefined && state.resume(position) === undefined;
    });
  }

  async #confirmAndLoad(doubtful: readonly StreamState[]): Promise<void> {
    await Promise.all(doubtful.map((state) => state.confirm()));
    await this.#loadHistories(this.#requestedId);
  }

  async #loadHistories(positionOf: PositionOf): Promise<void> {
    for (let short = this.#beyondMemory(positionOf); short.length > 0; short = this.#beyondMemory(positionOf)) {
      await Promise.all(short.map((state) => state.loadHistory()));
    }
  }
}
