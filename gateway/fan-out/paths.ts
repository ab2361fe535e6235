import type { JoinedRoom, Member } from "./member.ts";
import type { Outgoing } from "./outgoing.ts";

/**
 * Returns true where a client gets a stream's messages by the room of the whole channel rather than the stream's own. One
 * that is in both gets them by the one in which it gets more of them, else by the whole channel's: by one alone, or an
 * older value could follow a newer one. The path changes only as the client joins or leaves, and it catches up then.
 */
const isServedByChannelRoom = (room: JoinedRoom, member: Member): boolean =>
  room.channelRoom !== undefined && room.channelRoom.rateOf(member) >= room.rateOf(member);

/** Returns the rooms of a whole channel's streams in which a member gets more than in its lane of the channel's room. */
function fasterRooms(channelRoom: JoinedRoom, member: Member): Set<string> {
  const faster = new Set<string>();
  for (const room of [...member.rooms, ...member.lanes.keys()]) {
    if (room.channelRoom === channelRoom && !isServedByChannelRoom(room, member)) faster.add(room.name);
  }
  return faster;
}

/** Returns the parts that go to a member by its lane of a room; the same array where that is all of them. */
export function partsByLane(room: JoinedRoom, member: Member, parts: readonly Outgoing[]): readonly Outgoing[] {
  if (member.rooms.size + member.lanes.size < 2) return parts;
  if (isServedByChannelRoom(room, member)) return [];
  const elsewhere = fasterRooms(room, member);
  if (elsewhere.size === 0) return parts;
  const own = parts.map((part) => part.without(elsewhere)).filter((part) => part !== undefined);
  return own.length === parts.length && own.every((part, index) => part === parts[index]) ? parts : own;
}
