import type { Carried } from "./message.ts";

const SEPARATOR = "/";

/** Names the room of what one market or user has of one kind, or of all markets where the key is empty. */
export const roomOf = (kind: Carried, key: string): string => `${kind}${SEPARATOR}${key}`;

/** A room's market or user, and the one kind of data that it carries; undefined where that depends on the traffic. */
export function parseRoom(room: string): { readonly key: string; readonly kind: Carried | undefined } {
  const at = room.indexOf(SEPARATOR);
  return at < 0 ? { key: room, kind: undefined } : { key: room.slice(at + 1), kind: room.slice(0, at) as Carried };
}
