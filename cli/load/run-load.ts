import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import { timeOf } from "../../contract/ids.ts";
import { isStateChannel } from "../../contract/state/state-formats.ts";
import { messageOf } from "../../kernel/as-error.ts";
import { connectSocketIo, type SmokeConnection } from "../smoke/connection.ts";
import { connectManagedEdge } from "../smoke/managed-edge-connection.ts";
import type { LoadTopic } from "./mix.ts";
import { Samples } from "./samples.ts";

export interface LoadOptions {
  readonly url: URL;
  readonly token: string | undefined;
  readonly connections: number;
  readonly subscriptions: number;
  /** New connections a second. */
  readonly rate: number;
  /** Seconds from the moment at which all connections were tried. */
  readonly seconds: number;
  readonly nextTopic: () => LoadTopic;
  readonly signal: AbortSignal;
  readonly onProgress: (report: LoadReport) => void;
}

export interface LoadReport {
  readonly connected: number;
  /** Connections that failed, by reason. */
  readonly failed: Readonly<Record<string, number>>;
  readonly closed: number;
  readonly subscriptions: number;
  readonly messages: number;
  readonly messagesPerSecond: number;
  /** Time from the start of a connection to its acceptance, in ms. */
  readonly connectMs: ReturnType<Samples["summary"]>;
  /** Time from a message's id to its arrival, in ms: exact as far as Redis's clock and this one agree. */
  readonly delayMs: ReturnType<Samples["summary"]>;
}

const TIMEOUT_MS = 15_000;
const PROGRESS_MS = 1_000;

const received = z.looseObject({ id: z.string() });

/** The connections of a load, and what they get. */
class Load {
  readonly #options: LoadOptions;
  readonly #open = new Set<SmokeConnection>();
  readonly #connectMs = new Samples();
  readonly #delayMs = new Samples();
  readonly #failed: Record<string, number> = {};
  #closed = 0;
  #subscriptions = 0;
  #messages = 0;
  #measuredFrom = performance.now();
  #measuredMessages = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  async connect(): Promise<void> {
    const { url, token } = this.#options;
    const begun = performance.now();
    const start = /^wss?:$/.test(url.protocol) ? connectManagedEdge : connectSocketIo;
    try {
      const connection = await start({ url, token, timeoutMs: TIMEOUT_MS });
      this.#connectMs.add(performance.now() - begun);
      this.#open.add(connection);
      connection.onClose(() => {
        if (this.#open.delete(connection)) this.#closed += 1;
      });
      await this.#subscribe(connection);
    } catch (error) {
      const reason = messageOf(error);
      this.#failed[reason] = (this.#failed[reason] ?? 0) + 1;
    }
  }

  async #subscribe(connection: SmokeConnection): Promise<void> {
    // A snapshot carries the id of a message that may be old.
    let isLive = false;
    connection.onData((message) => {
      this.#messages += 1;
      const { data } = received.safeParse(message);
      if (data && isLive) this.#delayMs.add(Date.now() - timeOf(data.id));
    });
    for (let number = 0; number < this.#options.subscriptions; number += 1) {
      const topic = this.#options.nextTopic();
      await connection.ask("subscribe", isStateChannel(topic.channel) ? { ...topic, changes: true } : topic);
      this.#subscriptions += 1;
    }
    isLive = true;
  }

  /** Starts to count the messages of the report's rate anew. */
  measure(): void {
    this.#measuredFrom = performance.now();
    this.#measuredMessages = this.#messages;
  }

  get report(): LoadReport {
    const seconds = (performance.now() - this.#measuredFrom) / 1_000;
    return {
      connected: this.#open.size,
      failed: this.#failed,
      closed: this.#closed,
      subscriptions: this.#subscriptions,
      messages: this.#messages,
      messagesPerSecond: Math.round((this.#messages - this.#measuredMessages) / Math.max(0.001, seconds)),
      connectMs: this.#connectMs.summary(),
      delayMs: this.#delayMs.summary(),
    };
  }

  close(): void {
    const open = [...this.#open];
    this.#open.clear();
    for (const connection of open) connection.close();
  }
}

/** Waits, and returns early at the signal. */
const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  delay(milliseconds, undefined, { signal }).catch(() => undefined);

/** Opens connections at the rate, holds them for the time, closes them, and resolves with what was measured. */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const { connections, rate, seconds, signal, onProgress } = options;
  const load = new Load(options);
  const progress = setInterval(() => onProgress(load.report), PROGRESS_MS);
  try {
    const connecting: Promise<void>[] = [];
    const begun = performance.now();
    while (connecting.length < connections && !signal.aborted) {
      const due = Math.min(connections, Math.ceil(((performance.now() - begun) / 1_000) * rate + 0.001));
      while (connecting.length < due) connecting.push(load.connect());
      await pause(10, signal);
    }
    await Promise.all(connecting);
    load.measure();
    await pause(seconds * 1_000, signal);
    return load.report;
  } finally {
    clearInterval(progress);
    load.close();
  }
}
