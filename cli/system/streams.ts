import type { Redis } from "ioredis";
import { type Channel, channelDefinition, channelNames, isChannel } from "../../contract/channels.ts";
import type { Stream } from "../../contract/stream.ts";
import { primariesOf, type RedisConnection } from "./redis.ts";

const PREFIX = "stream:";
const NAME = /^stream:\{([^}]+)\}(?::(.*?))?~?$/;

/** Returns the stream of a Redis key; undefined for any other key. */
export function parseStreamKey(key: string): Stream | undefined {
  const [, tag = "", suffix] = NAME.exec(key) ?? [];
  const name = channelNames.find((channel) => tag === channel || tag.startsWith(`${channel}:`));
  if (!name || !isChannel(name)) return undefined;
  const isPrivate = channelDefinition(name).key === "user";
  const encoded = isPrivate ? tag.slice(name.length + 1) : suffix;
  try {
    return { channel: name, key: encoded === undefined ? undefined : decodeURIComponent(encoded) };
  } catch {
    return undefined;
  }
}

async function scan(node: Redis, pattern: string, limit: number): Promise<string[]> {
  const found: string[] = [];
  let cursor = "0";
  do {
    const [next, keys] = await node.scan(cursor, "MATCH", pattern, "COUNT", 1_000);
    cursor = next;
    found.push(...keys);
  } while (cursor !== "0" && found.length < limit);
  return found;
}

/** Finds streams by their keys in all primaries, up to a limit: SCAN, which blocks nobody. */
export async function findStreams(
  redis: RedisConnection,
  channel: Channel | undefined,
  limit: number,
): Promise<Stream[]> {
  const pattern = `${PREFIX}{${channel ?? ""}*`;
  const keys = await Promise.all(primariesOf(redis).map((node) => scan(node, pattern, limit)));
  return keys
    .flat()
    .sort()
    .flatMap((key) => parseStreamKey(key) ?? [])
    .filter((stream) => channel === undefined || stream.channel === channel)
    .slice(0, limit);
}

/** A room that gateways are subscribed to. */
export interface SubscribedRoom {
  readonly room: string;
  readonly gateways: number;
}

const ROOM = /^socket\.io#\/ws#(\{.*)#$/;

async function roomsOf(node: Redis): Promise<SubscribedRoom[]> {
  const channels = (await node.call("PUBSUB", "SHARDCHANNELS", "socket.io#/ws#{*")) as string[];
  if (channels.length === 0) return [];
  const flat = (await node.call("PUBSUB", "SHARDNUMSUB", ...channels)) as (string | number)[];
  return channels.map((channel, index) => ({
    room: ROOM.exec(channel)?.[1] ?? channel,
    gateways: Number(flat[index * 2 + 1]),
  }));
}

/** Lists the rooms that gateways are subscribed to, with the number of these. */
export async function findRooms(redis: RedisConnection): Promise<SubscribedRoom[]> {
  const rooms = await Promise.all(primariesOf(redis).map(roomsOf));
  return rooms.flat().sort((a, b) => (a.room < b.room ? -1 : 1));
}
