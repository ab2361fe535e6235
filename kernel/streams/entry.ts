import * as z from "zod";
import { type Channel, channelDefinition, isChannel } from "../../contract/channels.ts";
import { ENTRY_ID } from "../../contract/ids.ts";
import { isRecord } from "../../contract/is-record.ts";
import type { ChangesMessage, DataEvent } from "../../contract/messages.ts";
import { isStateChannel } from "../../contract/state/state-formats.ts";
import type { Topic } from "../../contract/stream.ts";
import { sampledContext } from "../../contract/trace-context.ts";

/** One entry of a stream, as clients get it: a message, or on a `state` channel the whole value or what changed of it. */
export type Entry = DataEvent;

/** True for an entry of a `state` channel that says what changed. */
export const isChanges = (entry: Entry): entry is ChangesMessage => "changes" in entry;

const id = z.string().regex(ENTRY_ID);

/** Beside the entries, since clients do not get it. */
const traceparents = new WeakMap<Entry, string>();

/** Returns the W3C trace context of an entry that is traced. */
export const traceparentOf = (entry: Entry): string | undefined => traceparents.get(entry);

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
    if (isStateChannel(channel)) return noteTrace(entrySchema.safeParse(value).data as Entry | undefined, value);
    const entry = envelopeSchema.safeParse(value).data?.data.packet.data[1] as Entry | undefined;
    // The schema has found it there.
    return entry && noteTrace(entry, (value as z.input<typeof envelopeSchema>).data.packet.data[1]);
  } catch {
    return undefined;
  }
}

/** Parses an item of a Redis Stream (`m` body without its closing brace, `p` prev); undefined where it is anything else. */
export function parseItem([itemId, fields]: readonly [string, readonly string[]]): Entry | undefined {
  const [, body, , prev] = fields;
  try {
    const item: unknown = { ...JSON.parse(`${body}}`), id: itemId, prev };
    return noteTrace(entrySchema.safeParse(item).data as Entry | undefined, item);
  } catch {
    return undefined;
  }
}

/** Notes the trace context that a parsed entry came with. @param sent what it was parsed from */
function noteTrace(entry: Entry | undefined, sent: unknown): Entry | undefined {
  const traceparent = entry && sampledContext((sent as { readonly traceparent?: unknown }).traceparent);
  if (entry && traceparent !== undefined) traceparents.set(entry, traceparent);
  return entry;
}

/** True where an entry belongs to a topic, so that its room may carry it. */
export function belongsTo(entry: Entry, { channel, key }: Topic): boolean {
  if (entry.channel !== channel) return false;
  if (channelDefinition(channel).key !== "marketId") return entry.marketId === undefined;
  return entry.marketId !== undefined && (key === undefined || entry.marketId === key);
}
