import { hash } from "node:crypto";
import { type Channel, channelDefinition, type StateOf } from "../../contract/channels.ts";
import { NAMESPACE } from "../../contract/endpoints.ts";
import type { StateChange } from "../../contract/state/state-change.ts";
import { rowChecksum } from "../../contract/state/verified-state.ts";
import { roomName, type Stream } from "../../contract/stream.ts";
import { HEAD_BYTES, MAXIMUM_BODY_BYTES, type PreparedMessage, type PreparedState } from "./prepare-message.ts";
import {
  edgeMarkerKey,
  entriesRoom,
  frozenKey,
  guardKey,
  indexKey,
  pubSubChannel,
  seenKey,
  staleSinceKey,
  stateKey,
  streamKey,
  wholeChannelRoom,
} from "./redis-keys.ts";

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

/** Returns the hash of a state, and the Pub/Sub channels on which stock Socket.IO servers get whole values. */
function stateKeys(stream: Stream): [string, string, string] {
  const room = roomName(stream);
  return [stateKey(stream), pubSubChannel(room), pubSubChannel(wholeChannelRoom(stream.channel) ?? room)];
}

/** Returns the keys of a call, and the arguments that all its messages share. */
function callArguments(stream: Stream, { hasEdge, maximumClockSkewMs }: ScriptSettings): ScriptArguments {
  const { history, dedupeSeconds, delivery, stateOf } = channelDefinition(stream.channel);
  const now = Date.now();
  const streamName = streamKey(stream);
  const room = roomName(stream);
  const whole = wholeChannelRoom(stream.channel);
  const entries = entriesRoom(stream);
  const hasEnvelope = delivery !== "state";
  const wholeEntries = whole === undefined ? entries : entriesRoom({ channel: stream.channel });
  const keys = [
    streamName,
    whole === undefined ? streamName : indexKey(stream.channel),
    pubSubChannel(entries),
    pubSubChannel(wholeEntries),
    ...seenKeys(stream, dedupeSeconds, now),
    ...guardKeys(stream, stateOf),
    ...(delivery === "state" ? stateKeys(stream) : []),
    ...(hasEdge ? [edgeMarkerKey(room), edgeMarkerKey(whole ?? room)] : []),
  ];
  return [
    keys.length,
    ...keys,
    history.entries,
    history.seconds,
    stream.key ?? "",
    hasEnvelope ? envelopeHead(room, whole === undefined ? [] : [whole]) : "",
    hasEnvelope && whole !== undefined ? envelopeHead(whole, []) : "",
    dedupeSeconds,
    now,
    stateOf,
    maximumClockSkewMs,
  ];
}

const nameEvent = ({ channel }: Stream, eventId: string): string =>
  channelDefinition(channel).dedupeSeconds === 0 ? eventText(eventId) : eventNumber(eventId);

/** Builds the arguments of one call of the publish script: messages of one stream, in their order. */
export function scriptArguments(
  messages: readonly PreparedMessage[],
  stream: Stream,
  settings: ScriptSettings,
): ScriptArguments {
  const { stateOf } = channelDefinition(stream.channel);
  return [
    ...callArguments(stream, settings),
    ...messages.flatMap(({ version, versionEpoch, eventId, entity, body }) => {
      if (stateOf === "nothing") return [nameEvent(stream, eventId), body];
      if (stateOf === "stream") return [nameEvent(stream, eventId), body, version, versionEpoch];
      return [nameEvent(stream, eventId), body, version, versionEpoch, entity];
    }),
  ];
}

/** A row that a message of a `state` channel sets or removes. */
export interface WrittenRow {
  readonly key: string;
  /** 0 where the row is gone. */
  readonly checksum: number;
  /** The value as JSON; empty where the row is gone. */
  readonly json: string;
}

export const writtenRows = (rows: StateChange["rows"]): readonly WrittenRow[] =>
  Object.entries(rows).map(([key, row]) => {
    if (row === null) return { key, checksum: 0, json: "" };
    const json = JSON.stringify(row);
    return { key, checksum: rowChecksum(key, row, json), json };
  });

/** One message of a `state` channel, as it is written. */
export interface StateUpdate {
  /** `whole` where the rows are all that the value has. */
  readonly mode: "whole" | "changes";
  /** What clients get, as JSON: the name and the value of the field. */
  readonly field: string;
  /** The id of the entry that the changes follow; undefined for any. */
  readonly base: string | undefined;
  /** The sum of the rows once it is written; undefined where that is not known. */
  readonly sum: number | undefined;
  readonly head: object;
  readonly rows: readonly WrittenRow[];
}

/** Fields that, where they are true, leave no place for some rows: only who knows all rows may set one. */
const excludingFields: { readonly [C in Channel]?: string } = { "market:orderbook": "mirrored" };

/** Returns the name of the field where a head has it; else the empty text. */
function excludingField({ channel }: Stream, head: object): string {
  const field = excludingFields[channel] ?? "";
  return (head as Record<string, unknown>)[field] === true ? field : "";
}

/** Builds the arguments of one call of the script of state channels. */
export function stateScriptArguments(
  { stream, eventId, version, versionEpoch, start, format }: PreparedState,
  { mode, field, base, sum, head, rows }: StateUpdate,
  settings: ScriptSettings,
): ScriptArguments {
  const args: ScriptArguments = callArguments(stream, settings);
  args.push(nameEvent(stream, eventId), `${start},${field}`, version, versionEpoch);
  args.push(
    mode,
    base ?? "",
    sum ?? "",
    JSON.stringify(head),
    MAXIMUM_BODY_BYTES - HEAD_BYTES,
    format.rowOverheadBytes,
    // With a sum, the script sees that no row is left.
    mode === "changes" && sum === undefined ? excludingField(stream, head) : "",
  );
  for (const { key, checksum, json } of rows) args.push(key, checksum, json);
  return args;
}

/** The whole value that stock Socket.IO servers get, and the entry that it has come with. */
export interface WholeBroadcast {
  readonly value: object;
  readonly sum: number;
  readonly id: string;
  readonly prev: string;
}

/** Builds the arguments of one call of the script that sends whole values to stock servers. */
export function broadcastArguments({ stream, start }: PreparedState, whole: WholeBroadcast): ScriptArguments {
  const { value, sum, id, prev } = whole;
  const room = roomName(stream);
  const channelRoom = wholeChannelRoom(stream.channel);
  const tail = `${start},"data":${JSON.stringify(value)},"sum":${sum},"id":"${id}","prev":"${prev}"}]}}}`;
  const keys = stateKeys(stream);
  return [
    keys.length,
    ...keys,
    id,
    envelopeHead(room, channelRoom === undefined ? [] : [channelRoom]) + tail,
    channelRoom === undefined ? "" : envelopeHead(channelRoom, []) + tail,
  ];
}
