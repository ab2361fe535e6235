import type { Member } from "./member.ts";
import { type LaneOptions, Room } from "./room.ts";

interface MembershipOptions {
  /** Called for a room that the last member has left. Nothing is sent to it any more. */
  readonly onClosed: (room: Room) => void;
}

/** Which member is in which room. A room is open as long as it has members. */
export class Membership {
  readonly #onClosed: (room: Room) => void;
  readonly #rooms = new Map<string, Room>();

  constructor({ onClosed }: MembershipOptions) {
    this.#onClosed = onClosed;
  }

  /** Returns a room by name; undefined where nobody is in it. */
  find(name: string): Room | undefined {
    return this.#rooms.get(name);
  }

  /** Adds a member to a room; in a lane of it, where it gets the newest messages only. */
  add(member: Member, name: string, lane?: LaneOptions): void {
    const room = this.#rooms.get(name) ?? new Room(name);
    this.#rooms.set(name, room);
    if (lane) room.addAtRate(member, lane);
    else room.add(member);
  }

  /** Removes a member from a room. Returns the rate that it was in with, if any. */
  remove(member: Member, name: string): number | undefined {
    const room = this.#rooms.get(name);
    if (!room) return undefined;
    const rate = room.remove(member);
    if (room.isEmpty) {
      this.#rooms.delete(name);
      this.#onClosed(room);
    }
    return rate;
  }

  /** Removes a member from all rooms. */
  removeAll(member: Member): void {
    for (const { name } of [...member.rooms, ...member.lanes.keys()]) this.remove(member, name);
  }

  /** Ends the timers of all rooms. */
  close(): void {
    for (const room of this.#rooms.values()) room.close();
  }
}
