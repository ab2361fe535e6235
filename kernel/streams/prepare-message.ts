import * as z from "zod";
import { type Channel, channelDefinition, isChannel } from "../../contract/channels.ts";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import { describeIssue } from "../../contract/messages.ts";
import { eventId, text, userId, version, versionEpoch } from "../../contract/payloads/primitives.ts";
import { findSuspicions, suspicions } from "../../contract/suspicions.ts";
import { InvalidMessageError } from "./publish-errors.ts";
import type { PreparedMessage } from "./script-arguments.ts";

/** Largest message, in bytes of JSON: API Gateway's limit of a WebSocket message (128 KB), less an envelope. */
export const MAXIMUM_BODY_BYTES = 120_000;

const messageSchema = z.object({
  channel: z.string().refine(isChannel, "there is no channel of that name"),
  // A market's is shorter: the payload says so.
  key: userId.optional(),
  data: z.custom<object>((data) => typeof data === "object" && data !== null, "must be an object"),
  event: text(64).optional(),
  eventId,
  version: version.optional(),
  versionEpoch: versionEpoch.optional(),
  suspicions: z.array(z.enum(suspicions)).optional(),
});

type ParsedMessage = z.infer<typeof messageSchema> & { readonly data: Record<string, unknown> };

function assertKey(channel: Channel, key: string | undefined, data: Record<string, unknown>): void {
  const expected = channelDefinition(channel).key;
  if (expected === "none") {
    if (key !== undefined) throw new InvalidMessageError(`key: channel ${channel} has no key`);
    return;
  }
  if (key === undefined) throw new InvalidMessageError(`key: channel ${channel} needs a ${expected}`);
  if (expected === "marketId" && data.marketId !== key) {
    throw new InvalidMessageError(
      `key: is ${JSON.stringify(key)}, but data.marketId is ${JSON.stringify(data.marketId)}`,
    );
  }
}

/** Returns what a message is compared by with the state that is out; nothing where each message stands for itself. */
function stateOf({ channel, data, version, versionEpoch }: ParsedMessage) {
  const kind = channelDefinition(channel).stateOf;
  if (kind === "nothing") return { version: 0, versionEpoch: "", entity: "" };
  if (versionEpoch !== undefined && version === undefined) {
    throw new InvalidMessageError("versionEpoch: needs a version, the number within the epoch");
  }
  // The payload's schema has both; here they are still unknown.
  return {
    version: version ?? Number(data.time),
    versionEpoch: versionEpoch === undefined ? "" : encodeURIComponent(versionEpoch),
    entity: kind === "data.id" ? String(data.id) : "",
  };
}

function assertSize(body: string): void {
  // A character has at most three bytes: most messages need not be counted.
  if (body.length * 3 <= MAXIMUM_BODY_BYTES) return;
  const bytes = Buffer.byteLength(body);
  if (bytes <= MAXIMUM_BODY_BYTES) return;
  throw new InvalidMessageError(
    `data: has ${bytes} bytes as JSON, and a message at most ${MAXIMUM_BODY_BYTES}: send fewer levels, positions or characters`,
  );
}

/**
 * Checks a message against its channel, and prepares it for the publish script.
 *
 * @throws InvalidMessageError that names the field.
 */
export function prepareMessage(message: ChannelMessage): PreparedMessage {
  const parsed = messageSchema.safeParse(message);
  if (!parsed.success) throw new InvalidMessageError(describeIssue(parsed.error));
  const { channel, key, event, eventId } = parsed.data;
  const definition = channelDefinition(channel);
  const payload = definition.payload.safeParse(parsed.data.data);
  if (!payload.success) throw new InvalidMessageError(`${channel}: data.${describeIssue(payload.error)}`);
  const checked: ParsedMessage = { ...parsed.data, data: payload.data as Record<string, unknown> };
  assertKey(channel, key, checked.data);
  const marketId = definition.key === "marketId" ? key : undefined;
  const body = JSON.stringify({ channel, marketId, event, data: payload.data }).slice(0, -1);
  assertSize(body);
  return {
    stream: { channel, key },
    eventId: encodeURIComponent(eventId),
    body,
    suspicions: checked.suspicions ?? findSuspicions(channel, parsed.data.data, payload.data),
    ...stateOf(checked),
  };
}
