import { type Message, RealtimeClient } from "../../client/index.ts";
import type { Applied, Journal } from "../drill-client.ts";
import { type DrillStream, numberOf } from "../messages.ts";
import { Darkness } from "./darkness.ts";

interface SdkDrillClientOptions {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  readonly streams: readonly DrillStream[];
}

/** The client package with its defaults, and what it gives to an application. */
export class SdkDrillClient {
  readonly name: string;
  readonly streams: readonly DrillStream[];
  readonly darkness = new Darkness();
  readonly #client: RealtimeClient;
  #applied = new Map<string, Applied[]>();
  #reports: Journal["reports"] = [];
  readonly #live = new Set<DrillStream>();

  constructor({ name, url, token, streams }: SdkDrillClientOptions) {
    this.name = name;
    this.streams = streams;
    this.#client = new RealtimeClient({ url, token });
    for (const stream of streams) this.#subscribe(stream);
  }

  get journal(): Pick<Journal, "applied" | "reports"> {
    return { applied: this.#applied, reports: this.#reports };
  }

  /** The id of the last message by stream name. */
  positions(): ReadonlyMap<string, string | undefined> {
    return new Map([...this.#applied].map(([name, all]) => [name, all.at(-1)?.id]));
  }

  reset(): void {
    this.#applied = new Map();
    this.#reports = [];
    this.darkness.reset();
  }

  close(): void {
    this.#client.close();
  }

  #subscribe(stream: DrillStream): void {
    const { channel, key, name } = stream;
    this.#client.subscribe(channel, {
      ...(channel.startsWith("market:") && key !== undefined ? { marketId: key } : {}),
      onMessage: (message) => this.#take(name, message),
      onGap: ({ after }) => {
        this.#reports.push({ stream: name, lastId: after, place: this.#applied.get(name)?.length ?? 0 });
      },
      onStatus: (status) => {
        if (status === "live") this.#live.add(stream);
        else this.#live.delete(stream);
        if (this.#live.size === this.streams.length) this.darkness.end();
        else this.darkness.begin();
      },
    });
  }

  #take(name: string, { id, event }: Message): void {
    const applied = this.#applied.get(name) ?? [];
    this.#applied.set(name, applied);
    applied.push({ id, number: numberOf(event) ?? Number.NaN, at: Date.now(), isResumed: false });
  }
}
