import { isConflated } from "../../../client/core/topics/channel-traits.ts";
import type { Gap, Message, SubscriptionStatus } from "../../../client/index.ts";
import { type Channel, channelNames } from "../../../contract/channels.ts";
import { timeOf } from "../../../contract/ids.ts";
import { LatencyWindow, type Percentiles } from "./latency-window.ts";
import { StreamWatch } from "./stream-watch.ts";

/** Seconds of message rate that are kept. */
const RATE_SECONDS = 60;

/** The page's own subscription to a channel. The same object until it changes. */
export interface Recorded {
  readonly status: SubscriptionStatus | "off";
  /** Since when it is live, or since when it is not, in ms since 1970. */
  readonly since: number;
}

/** Counts of one channel's messages since the page was opened. */
export interface ChannelReading extends Recorded {
  readonly channel: Channel;
  readonly received: number;
  /** When the last message came, in ms since 1970; 0 for never. */
  readonly lastAt: number;
}

export interface Reading {
  readonly channels: readonly ChannelReading[];
  /** Messages in each of the last seconds, oldest first, always as many. */
  readonly rates: readonly number[];
  /** From the entry in the stream to the screen, of the last messages; undefined where there were none lately. */
  readonly latency: Percentiles | undefined;
  /** Messages whose `prev` is not the message before, without a word from the service: something between is missing. */
  readonly holes: number;
  /** Messages that came again, or after a newer one. */
  readonly doubles: number;
  /** Losses that the service declared. */
  readonly gaps: number;
}

interface Counter {
  recorded: Recorded;
  received: number;
  lastAt: number;
}

/** Takes what one subscription brings. */
export interface Recorder {
  onMessage(message: Message): void;
  onGap(gap: Gap): void;
  onStatus(status: Recorded["status"]): void;
}

/**
 * Counts what the application gets, and checks it with its own eyes: nothing here trusts the client's own repairs.
 * A listener is called once a second, so that the numbers can be read, and with each change of a status.
 */
export class StreamMonitor {
  readonly #counters: ReadonlyMap<Channel, Counter>;
  readonly #latency = new LatencyWindow();
  readonly #listeners = new Set<() => void>();
  readonly #totals = { holes: 0, doubles: 0, gaps: 0 };
  #rates: number[] = Array(RATE_SECONDS).fill(0);
  #inThisSecond = 0;
  #reading: Reading;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    const recorded = { status: "off", since: Date.now() } as const;
    this.#counters = new Map(channelNames.map((channel) => [channel, { recorded, received: 0, lastAt: 0 }]));
    this.#reading = this.#read();
  }

  /** Begins to record one subscription; what was before does not count. */
  record(channel: Channel): Recorder {
    const watch = new StreamWatch(!isConflated(channel));
    const startedAt = Date.now();
    this.#setStatus(channel, "subscribing");
    return {
      onMessage: (message) => {
        const order = watch.take(message);
        if (order === "hole") this.#totals.holes += 1;
        if (order === "double") this.#totals.doubles += 1;
        this.#count(channel, timeOf(message.id), startedAt);
      },
      onGap: (gap) => {
        watch.declare(gap);
        this.#totals.gaps += 1;
      },
      onStatus: (status) => this.#setStatus(channel, status),
    };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => this.#tick(), 1_000);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  };

  /** Returns the same object until there is a new one. */
  readonly getReading = (): Reading => this.#reading;

  /** Returns how the page's own subscription to a channel is. */
  recordedOf(channel: Channel): Recorded | undefined {
    return this.#counters.get(channel)?.recorded;
  }

  #count(channel: Channel, publishedAt: number, startedAt: number): void {
    const counter = this.#counters.get(channel);
    // History, which is neither new nor fast.
    if (!counter || publishedAt < startedAt) return;
    counter.received += 1;
    counter.lastAt = Date.now();
    this.#inThisSecond += 1;
    // What comes first after a connection, and what was missed meanwhile, was held for the page: it was not slow.
    const isReplayed = ["subscribing", "resuming"].includes(counter.recorded.status);
    if (!isReplayed) this.#latency.add(publishedAt);
  }

  #setStatus(channel: Channel, status: Recorded["status"]): void {
    const counter = this.#counters.get(channel);
    if (!counter || counter.recorded.status === status) return;
    const isTurned = (status === "live") !== (counter.recorded.status === "live") || counter.recorded.status === "off";
    counter.recorded = { status, since: isTurned ? Date.now() : counter.recorded.since };
    this.#publish();
  }

  #tick(): void {
    this.#rates = [...this.#rates.slice(1), this.#inThisSecond];
    this.#inThisSecond = 0;
    this.#publish();
  }

  #publish(): void {
    this.#reading = this.#read();
    for (const listener of this.#listeners) listener();
  }

  #read(): Reading {
    const channels = [...this.#counters].map(([channel, { recorded, received, lastAt }]) => ({
      ...{ channel, received, lastAt },
      ...recorded,
    }));
    return { channels, rates: this.#rates, latency: this.#latency.percentiles(), ...this.#totals };
  }
}
