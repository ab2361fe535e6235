import type { EventOf } from "./events.ts";
import type { Carried } from "./message.ts";
import { createMix } from "./mix.ts";

/** The clients and the rooms that each of them is in. */
export interface Topology {
  readonly clients: number;
  readonly rooms: readonly string[];
  readonly roomsOf: (client: number) => readonly string[];
  /** The kinds of data for the rooms; a shape that names none sends the first. Orders and portfolios need a room for each user. */
  readonly carries: readonly Carried[];
  /** Returns new events of mixed traffic, the same each time; for servers to warm up, with first values of all streams before them. */
  readonly events?: (isWarmUp: boolean) => EventOf;
}

const names = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(2, "0")}`);

/** Rooms of many: client `i` is in `perClient` of the rooms, evenly spread, so that all rooms have the same number of members. */
export function shared(clients: number, roomCount: number, perClient = 1): Topology {
  const rooms = names(roomCount, "m");
  const stride = roomCount / perClient;
  return {
    clients,
    rooms,
    roomsOf: (client) =>
      Array.from({ length: perClient }, (_, index) => rooms[Math.floor(client + index * stride) % roomCount] ?? ""),
    carries: ["trade"],
  };
}

/** A room for each client, which is its own. */
export function own(clients: number, carries: readonly Carried[] = ["order"]): Topology {
  const rooms = names(clients, "user-");
  return { clients, rooms, roomsOf: (client) => [rooms[client] ?? ""], carries };
}

export const topologies = {
  "one-room": shared(1_000, 1),
  "fifty-rooms": shared(1_000, 50, 5),
  "small-rooms": shared(1_000, 250),
  private: own(1_000),
  markets: { ...shared(600, 50, 5), carries: ["trade", "book-8", "book-100", "book-200"] },
  "books-of-five": { ...shared(200, 40), carries: ["book-100"] },
  portfolios: own(200, ["portfolio"]),
  application: createMix({ markets: 50, dashboards: 240, pages: 240, users: 120 }),
  crowd: shared(2_000, 1),
  storm: shared(2_500, 50),
  "silent-storm": shared(2_500, 50, 0),
  idle: shared(10_000, 50),
} as const satisfies Record<string, Topology>;

export type TopologyName = keyof typeof topologies;

/** Returns the number of clients in each room. */
export function membersByRoom({ clients, rooms, roomsOf }: Topology): Map<string, number> {
  const members = new Map(rooms.map((room) => [room, 0]));
  for (let client = 0; client < clients; client += 1) {
    for (const room of roomsOf(client)) members.set(room, (members.get(room) ?? 0) + 1);
  }
  return members;
}
