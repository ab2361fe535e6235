import { createHash } from "node:crypto";
import { channelDefinition } from "../channels.ts";
import { NAMESPACE } from "../frames.ts";
import { roomName, type Stream } from "../stream.ts";
import { edgeMarkerKey, indexKey, pubSubChannel, seenKey, streamKey, wholeChannelRoom } from "./redis-keys.ts";

/** A message that fits its channel, as the publish script takes it. */
export interface PreparedMessage {
  readonly stream: Stream;
  readonly eventId: string;
  readonly version: number;
  readonly body: string;
}

/** The start of the message that the sharded adapter takes for a broadcast; type 3 is BROADCAST, packet type 2 EVENT. */
const envelopeHead = (room: string, except: readonly string[]): string =>
  `{"uid":"publisher","nsp":"${NAMESPACE}","type":3,"data":{"opts":{"rooms":${JSON.stringify([room])},` +
  `"except":${JSON.stringify(except)},"flags":{}},"packet":{"type":2,"nsp":"${NAMESPACE}","data":["data",`;

/** How long after its last use a set of seen events is kept, in s, in case clocks differ. */
const CLOCK_SKEW_SECONDS = 300;

/**
 * An event id as a 64-bit integer, of which Redis packs up to 512 into 8 bytes each. That two of a million events of one
 * stream and window meet in one has a probability of 3 in 100 million.
 */
const hashEvent = (eventId: string): string =>
  createHash("sha256").update(eventId).digest().readBigInt64BE().toString();

/** Where a stream's events are remembered: by window, the present one first; another publisher's clock may differ. */
function memoryOf(stream: Stream): { readonly keys: readonly string[]; readonly forgetAt: number } {
  const { dedupeSeconds, delivery } = channelDefinition(stream.channel);
  if (delivery === "latest") return { keys: Array.from({ length: 3 }, () => streamKey(stream)), forgetAt: 0 };
  const now = Math.floor(Date.now() / 1_000 / dedupeSeconds);
  return {
    keys: [now, now - 1, now + 1].map((window) => seenKey(stream, window)),
    forgetAt: (now + 2) * dedupeSeconds + CLOCK_SKEW_SECONDS,
  };
}

/** The number of keys, the keys, and the arguments, in the order that the script asks for. */
export type ScriptArguments = [number, ...(string | number)[]];

/** What a call of the publish script is given for messages of one stream. */
export function scriptArguments(
  messages: readonly PreparedMessage[],
  stream: Stream,
  hasEdge: boolean,
): ScriptArguments {
  const { history } = channelDefinition(stream.channel);
  const memory = memoryOf(stream);
  const streamName = streamKey(stream);
  const room = roomName(stream);
  const whole = wholeChannelRoom(stream.channel);
  const keys = [
    streamName,
    whole === undefined ? streamName : indexKey(stream.channel),
    pubSubChannel(room),
    pubSubChannel(whole ?? room),
    ...memory.keys,
    ...(hasEdge ? [edgeMarkerKey(room), edgeMarkerKey(whole ?? room)] : []),
  ];
  return [
    keys.length,
    ...keys,
    history.entries,
    history.seconds,
    memory.forgetAt,
    stream.key ?? "",
    envelopeHead(room, whole === undefined ? [] : [whole]),
    whole === undefined ? "" : envelopeHead(whole, []),
    ...messages.flatMap(({ version, eventId, body }) => [
      version,
      memory.forgetAt === 0 ? eventId : hashEvent(eventId),
      body,
    ]),
  ];
}
