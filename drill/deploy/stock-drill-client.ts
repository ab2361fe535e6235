import { DrillClient, type DrillClientOptions } from "../drill-client.ts";
import type { DrillStream } from "../messages.ts";
import { Darkness } from "./darkness.ts";

/** The waits that socket.io-client has by itself. */
const SOCKET_IO_BACKOFF = { reconnectionDelay: 1_000, reconnectionDelayMax: 5_000 };

interface StockDrillClientOptions extends Omit<DrillClientOptions, "requests" | "backoff" | "onLost" | "onSettled"> {
  readonly streams: readonly DrillStream[];
}

/** A stock socket.io-client with its defaults. */
export class StockDrillClient {
  readonly name: string;
  readonly streams: readonly DrillStream[];
  readonly darkness = new Darkness();
  readonly #client: DrillClient;

  constructor({ streams, ...options }: StockDrillClientOptions) {
    this.name = options.name;
    this.streams = streams;
    this.#client = new DrillClient({
      ...options,
      requests: streams.map(({ channel, key }) => ({
        channel,
        ...(channel.startsWith("market:") && key !== undefined ? { marketId: key } : {}),
      })),
      backoff: SOCKET_IO_BACKOFF,
      onLost: () => this.darkness.begin(),
      onSettled: () => this.darkness.end(),
    });
  }

  get journal() {
    return this.#client.journal;
  }

  positions(): ReadonlyMap<string, string | undefined> {
    return this.#client.positions();
  }

  reset(): void {
    this.#client.reset();
    this.darkness.reset();
  }

  close(): void {
    this.#client.leave();
  }
}
