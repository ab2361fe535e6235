import type { Message, SubscriptionStatus } from "../../../client/index.ts";
import { type Channel, channelDefinition, channelNames } from "../../../contract/channels.ts";
import { compareIds } from "../../../contract/wire.ts";
import { LatencyWindow, type Percentiles } from "./latency-window.ts";

/** Seconds of message rate that are kept. */
const RATE_SECONDS = 60;

/** What came on one channel since the page was opened. */
export interface ChannelReading {
  readonly channel: Channel;
  readonly status: SubscriptionStatus | "off";
  readonly received: number;
  /** When the last message came, in ms since 1970; 0 for never. */
  readonly lastAt: number;
  /** Messages whose `prev` is not the message before: something between them is missing. */
  readonly holes: number;
  /** Messages that came again, or after a newer one. */
  readonly doubles: number;
}

export interface Reading {
  readonly channels: readonly ChannelReading[];
  /** Messages in each of the last seconds, oldest first, always as many. */
  readonly rates: readonly number[];
  /** From the entry in the stream to the screen, of the last messages; undefined before the first. */
  readonly latency: Percentiles | undefined;
  readonly holes: number;
  readonly doubles: number;
}

interface Counter {
  status: ChannelReading["status"];
  received: number;
  lastAt: number;
  holes: number;
  doubles: number;
}

const newCounter = (): Counter => ({ status: "off", received: 0, lastAt: 0, holes: 0, doubles: 0 });

/**
 * Counts what the application gets, and checks it with its own eyes: nothing here trusts the client's own repairs.
 * A listener is told once a second, so that the numbers can be read.
 */
export class StreamMonitor {
  readonly #counters = new Map<Channel, Counter>(channelNames.map((channel) => [channel, newCounter()]));
  readonly #latency = new LatencyWindow();
  readonly #listeners = new Set<() => void>();
  #rates: number[] = Array(RATE_SECONDS).fill(0);
  #inThisSecond = 0;
  #reading: Reading = this.#read();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Begins to watch one subscription; what came before does not count. Returns what to call with its messages. */
  watch(channel: Channel): (message: Message) => void {
    const counter = this.#counterOf(channel);
    const isOrdered = channelDefinition(channel).delivery !== "latest";
    const lastIds = new Map<string, string>();
    const startedAt = Date.now();
    return ({ marketId = "", id, prev }) => {
      const last = lastIds.get(marketId);
      if (last !== undefined && compareIds(id, last) <= 0) counter.doubles += 1;
      // On `latest` channels values may be skipped: there only the order counts.
      else if (last !== undefined && isOrdered && prev !== last) counter.holes += 1;
      lastIds.set(marketId, id);
      const publishedAt = Number(id.split("-")[0]);
      // History, which is neither new nor fast.
      if (publishedAt < startedAt) return;
      counter.received += 1;
      counter.lastAt = Date.now();
      this.#inThisSecond += 1;
      this.#latency.add(publishedAt);
    };
  }

  setStatus(channel: Channel, status: ChannelReading["status"]): void {
    this.#counterOf(channel).status = status;
    this.#publish();
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

  /** The same object until there is a new one. */
  readonly getReading = (): Reading => this.#reading;

  #counterOf(channel: Channel): Counter {
    const counter = this.#counters.get(channel) ?? newCounter();
    this.#counters.set(channel, counter);
    return counter;
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
    const channels = [...this.#counters].map(([channel, counter]) => ({ channel, ...counter }));
    return {
      channels,
      rates: this.#rates,
      latency: this.#latency.percentiles(),
      holes: channels.reduce((sum, { holes }) => sum + holes, 0),
      doubles: channels.reduce((sum, { doubles }) => sum + doubles, 0),
    };
  }
}
