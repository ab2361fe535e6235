import { hash } from "node:crypto";
import { channelDefinition, type StateOf } from "../../contract/channels.ts";
import { NAMESPACE } from "../../contract/endpoints.ts";
import { roomName, type Stream } from "../../contract/stream.ts";
import type { Suspicion } from "../../contract/suspicions.ts";
import {
  edgeMarkerKey,
  frozenKey,
  guardKey,
  indexKey,
  pubSubChannel,
  seenKey,
  staleSinceKey,
  streamKey,
  wholeChannelRoom,
} from "./redis-keys.ts";

/** A valid message in the form that the publish script takes. */
export interface PreparedMessage {
  readonly stream: Stream;
  readonly eventId: string;
  /** 0 where the channel compares none. */
  readonly version: number;
  /** Percent-encoded; empty where the version is a time. */
  readonly versionEpoch: string;
  /** The entity that the message is the whole state of, where a stream has many of them; else empty. */
  readonly entity: string;
  readonly body: string;
  readonly suspicions: readonly Suspicion[];
}

/** The start of the message that the sharded adapter takes for a broadcast; type 3 is BROADCAST, packet type 2 EVENT. */
const envelopeHead = (room: string, except: readonly string[]): string =>
  `{"uid":"publisher","nsp":"${NAMESPACE}","type":3,"data":{"opts":{"rooms":${JSON.stringify([room])},` +
  `"except":${JSON.stringify(except)},"flags":{}},"packet":{"type":2,"nsp":"${NAMESPACE}","data":["data",`;

const hashEvent = (eventId: string): Buffer => hash("sha256", eventId, "buffer").subarray(0, 8);

/**
 * An event id as a 64-bit integer, of which Redis packs up to 512 into 8 bytes each. That two of a million events of one
 * stream and window meet in one has a probability of 3 in 100 million.
 */
const eventNumber = (eventId: string): string => hashEvent(eventId).readBigInt64BE().toString();

/** The same 64 bits in 11 characters, as a `latest` stream remembers the events of its version. */
const eventText = (eventId: string): string => hashEvent(eventId).toString("base64url");

/** Returns the sets of seen events around the publisher's time: the script chooses by Redis's. */
function seenKeys(stream: Stream, dedupeSeconds: number, now: number): string[] {
  if (dedupeSeconds === 0) return [];
  const window = Math.floor(now / 1_000 / dedupeSeconds);
  return [window - 2, window - 1, window, window + 1].map((each) => seenKey(stream, each));
}

function guardKeys(stream: Stream, stateOf: StateOf): string[] {
  if (stateOf === "nothing") return [];
  const runs = [staleSinceKey(stream), frozenKey(stream)];
  return stateOf === "stream" ? runs : [...runs, guardKey(stream, "current"), guardKey(stream, "previous")];
}

/** The number of keys, the keys, and the arguments, in the order of the script's header. */
export type ScriptArguments = [number, ...(string | number)[]];

/** The settings that all calls of one publisher share. */
export interface ScriptSettings {
  /** True where there is a managed edge. */
  readonly hasEdge: boolean;
  /** Most that a version that is a time may be ahead of Redis's clock, in ms. */
  readonly maximumClockSkewMs: number;
}

/** Builds the arguments of one call of the publish script: messages of one stream, in their order. */
export function scriptArguments(
  messages: readonly PreparedMessage[],
  stream: Stream,
  { hasEdge, maximumClockSkewMs }: ScriptSettings,
): ScriptArguments {
  const { history, dedupeSeconds, stateOf } = channelDefinition(stream.channel);
  const now = Date.now();
  const streamName = streamKey(stream);
  const room = roomName(stream);
  const whole = wholeChannelRoom(stream.channel);
  const keys = [
    streamName,
    whole === undefined ? streamName : indexKey(stream.channel),
    pubSubChannel(room),
    pubSubChannel(whole ?? room),
    ...seenKeys(stream, dedupeSeconds, now),
    ...guardKeys(stream, stateOf),
    ...(hasEdge ? [edgeMarkerKey(room), edgeMarkerKey(whole ?? room)] : []),
  ];
  const nameEvent = dedupeSeconds === 0 ? eventText : eventNumber;
  return [
    keys.length,
    ...keys,
    history.entries,
    history.seconds,
    stream.key ?? "",
    envelopeHead(room, whole === undefined ? [] : [whole]),
    whole === undefined ? "" : envelopeHead(whole, []),
    dedupeSeconds,
    now,
    stateOf,
    maximumClockSkewMs,
    ...messages.flatMap(({ version, versionEpoch, eventId, entity, body }) => {
      if (stateOf === "nothing") return [nameEvent(eventId), body];
      if (stateOf === "stream") return [nameEvent(eventId), body, version, versionEpoch];
      return [nameEvent(eventId), body, version, versionEpoch, entity];
    }),
  ];
}
