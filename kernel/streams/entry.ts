import * as z from "zod";
import { channelDefinition, isChannel } from "../../contract/channels.ts";
import { ENTRY_ID } from "../../contract/ids.ts";
import type { DataMessage } from "../../contract/messages.ts";
import type { Topic } from "../../contract/stream.ts";

/** One entry of a stream, as clients get it. */
export type Entry = DataMessage;

const id = z.string().regex(ENTRY_ID);

/** Only what routing relies on: the data itself was checked by the publisher, and is handed on as it is. */
const entrySchema = z.object({
  channel: z.string().refine(isChannel),
  marketId: z.string().optional(),
  event: z.string().optional(),
  data: z.looseObject({}),
  id,
  prev: id,
});

const envelopeSchema = z.object({
  data: z.object({ packet: z.object({ data: z.tuple([z.literal("data"), entrySchema]) }) }),
});

/** The entry in a Pub/Sub body of the publish script, or undefined where the body is anything else. */
export function parseEnvelope(body: Buffer): Entry | undefined {
  try {
    const parsed = envelopeSchema.safeParse(JSON.parse(body.toString("utf8")));
    return parsed.success ? (parsed.data.data.packet.data[1] as Entry) : undefined;
  } catch {
    return undefined;
  }
}

/** The entry in a Redis Stream's item (`m` body without its end, `p` prev), or undefined where it is anything else. */
export function parseItem([itemId, fields]: readonly [string, readonly string[]]): Entry | undefined {
  const [, body, , prev] = fields;
  try {
    const parsed = entrySchema.safeParse({ ...JSON.parse(`${body}}`), id: itemId, prev });
    return parsed.success ? (parsed.data as Entry) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether an entry may have come over the room of a channel (and of one market or user, if `key` is given). */
export function belongsTo(entry: Entry, { channel, key }: Topic): boolean {
  if (entry.channel !== channel) return false;
  if (channelDefinition(channel).key !== "marketId") return entry.marketId === undefined;
  return entry.marketId !== undefined && (key === undefined || entry.marketId === key);
}
