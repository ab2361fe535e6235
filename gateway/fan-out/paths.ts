import type { Outgoing } from "./outgoing.ts";
import type { Lane } from "./rate-lane.ts";
import type { Member, Room } from "./room.ts";

/**
 * Which way a stream's messages go to a client that is in the stream's room and in the room of the whole channel: by
 * the one in which it gets more of them, else by the whole channel's. By one alone, or an older value could follow a
 * newer one. The way of a client changes only as it joins or leaves, and it is made level then.
 */
const isServedByWhole = (room: Room, member: Member): boolean =>
  room.whole !== undefined && room.whole.rateOf(member) >= room.rateOf(member);

/** The rooms of streams of a lane's whole channel in which a member gets more than in the lane. */
function fasterRooms(lane: Lane, member: Member): Set<string> {
  const faster = new Set<string>();
  const rooms = [...member.rooms, ...[...member.lanes].map(({ room }) => room)];
  for (const room of rooms) {
    if (room.whole === lane.room && !isServedByWhole(room, member)) faster.add(room.name);
  }
  return faster;
}

/** The parts that go to a member by this lane; the same array where that is all of them. */
export function partsByLane(lane: Lane, member: Member, parts: readonly Outgoing[]): readonly Outgoing[] {
  if (member.rooms.size + member.lanes.size < 2) return parts;
  if (isServedByWhole(lane.room, member)) return [];
  const elsewhere = fasterRooms(lane, member);
  if (elsewhere.size === 0) return parts;
  const own = parts.map((part) => part.without(elsewhere)).filter((part) => part !== undefined);
  return own.length === parts.length && own.every((part, index) => part === parts[index]) ? parts : own;
}
