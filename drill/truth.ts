import type { Cluster, Redis } from "ioredis";
import * as z from "zod";
import { channelDefinition } from "../contract/channels.ts";
import { FIRST_ID } from "../contract/ids.ts";
import { streamKey } from "../kernel/streams/redis-keys.ts";
import { countsNewestOnly, type DrillStream, numberOf } from "./messages.ts";

export interface TrueEntry {
  readonly id: string;
  readonly number: number;
}

/** Entries that Redis holds of a stream since the round began, oldest first; of a `latest` stream the newest alone. */
export interface StreamTruth {
  readonly entries: readonly TrueEntry[];
  /** The newest id, of this round or before. */
  readonly top: string;
}

const item = z.tuple([z.string(), z.array(z.string())]);
const body = z.object({ event: z.string() });

/** Reads an item without the gateway's own parser, so that both cannot be wrong in the same way. */
function parse([id, fields]: z.infer<typeof item>): TrueEntry {
  const { event } = body.parse(JSON.parse(`${fields[fields.indexOf("m") + 1]}}`));
  const number = numberOf(event);
  if (number === undefined) throw new Error(`entry ${id} is not the drill's`);
  return { id, number };
}

/** The streams themselves, read from Redis. */
export class Truth {
  readonly #redis: Redis | Cluster;
  readonly #streams: readonly DrillStream[];
  #start = new Map<string, string>();

  constructor(redis: Redis | Cluster, streams: readonly DrillStream[]) {
    this.#redis = redis;
    this.#streams = streams;
  }

  /** Begins a round: `read` gives what comes after this. */
  begin(last: ReadonlyMap<string, StreamTruth>): void {
    this.#start = new Map([...last].map(([name, { top }]) => [name, top]));
  }

  /** By stream name. Rejects where Redis cannot be read. */
  async read(): Promise<ReadonlyMap<string, StreamTruth>> {
    const reads = this.#streams.map(async (stream) => {
      const start = this.#start.get(stream.name) ?? FIRST_ID;
      const items = z.array(item).parse(await this.#redis.xrange(streamKey(stream), `(${start}`, "+"));
      const { history } = channelDefinition(stream.channel);
      if (!countsNewestOnly(stream) && items.length >= history.entries) {
        throw new Error(`${stream.name}: a round has more messages than the stream keeps, so nothing can be compared`);
      }
      const entries = items.map(parse);
      return [stream.name, { entries, top: entries.at(-1)?.id ?? start }] as const;
    });
    return new Map(await Promise.all(reads));
  }
}
