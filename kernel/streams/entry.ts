import * as z from "zod";
import { channelDefinition, isChannel } from "../../contract/channels.ts";
import { ENTRY_ID } from "../../contract/ids.ts";
import type { DataMessage } from "../../contract/messages.ts";
import type { Topic } from "../../contract/stream.ts";

/** One entry of a stream, as clients get it. */
export type Entry = DataMessage;

const id = z.string().regex(ENTRY_ID);

/** The fields that routing relies on. The publisher has checked the data, which passes through as it is. */
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

/** Parses a Pub/Sub body of the publish script; undefined where it is anything else. */
export function parseEnvelope(body: Buffer): Entry | undefined {
  try {
    const parsed = envelopeSchema.safeParse(JSON.parse(body.toString("utf8")));
    return parsed.success ? (parsed.data.data.packet.data[1] as Entry) : undefined;
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
