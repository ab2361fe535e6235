import * as z from "zod";
import { type Channel, channelDefinition, isChannel } from "../../contract/channels.ts";
import { ENTRY_ID } from "../../contract/ids.ts";
import { isRecord } from "../../contract/is-record.ts";
import type { ChangesMessage, DataEvent } from "../../contract/messages.ts";
import { isStateChannel } from "../../contract/state/state-formats.ts";
import type { Topic } from "../../contract/stream.ts";

/** One entry of a stream, as clients get it: a message, or on a `state` channel the whole value or what changed of it. */
export type Entry = DataEvent;

/** True for an entry of a `state` channel that says what changed. */
export const isChanges = (entry: Entry): entry is ChangesMessage => "changes" in entry;

const id = z.string().regex(ENTRY_ID);

/**
 * The fields that routing relies on. The publisher has checked the data: it is neither walked nor copied here, which took
 * three times as long as parsing the JSON for data with hundreds of keys.
 */
const entrySchema = z
  .object({
    channel: z.string().refine(isChannel),
    marketId: z.string().optional(),
    event: z.string().optional(),
    data: z.custom<object>(isRecord).optional(),
    changes: z.object({ head: z.custom<object>(isRecord), rows: z.custom<object>(isRecord) }).optional(),
    sum: z
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .optional(),
    id,
    prev: id,
  })
  .refine(({ channel, data, changes, sum }) => {
    if (!isStateChannel(channel)) return data !== undefined && changes === undefined;
    return sum !== undefined && (data === undefined) !== (changes === undefined);
  });

const envelopeSchema = z.object({
  data: z.object({ packet: z.object({ data: z.tuple([z.literal("data"), entrySchema]) }) }),
});

/**
 * Parses a Pub/Sub body of the publish script; undefined where it is anything else. On a `state` channel it is the entry
 * itself, since no stock Socket.IO server gets it; else the sharded adapter's message that has it.
 */
export function parseBody(body: Buffer, channel: Channel): Entry | undefined {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    if (isStateChannel(channel)) return entrySchema.safeParse(value).data as Entry | undefined;
    return envelopeSchema.safeParse(value).data?.data.packet.data[1] as Entry | undefined;
  } catch {
    return undefined;
  }
}

/** Parses an item of a Redis Stream (`m` body without its closing brace, `p` prev); undefined where it is anything else. */
export function parseItem([itemId, fields]: readonly [string, readonly string[]]): Entry | undefined {
  const [, body, , prev] = fields;
  try {
    const parsed = entrySchema.safeParse({ ...JSON.parse(`${body}}`), id: itemId, prev });
    return parsed.success ? (parsed.data as Entry) : undefined;
  } catch {
    return undefined;
  }
}

/** True where an entry belongs to a topic, so that its room may carry it. */
export function belongsTo(entry: Entry, { channel, key }: Topic): boolean {
  if (entry.channel !== channel) return false;
  if (channelDefinition(channel).key !== "marketId") return entry.marketId === undefined;
  return entry.marketId !== undefined && (key === undefined || entry.marketId === key);
}
