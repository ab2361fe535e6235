import type { BenchMessage, Carried } from "./message.ts";

/** One in so many books and portfolios has the time at which it was due. Not a divisor of the number of rooms: every room gets some. */
export const TIMED_EVERY = 7;

/** Returns the messages of an event by its number, from 0 on, each asked for once; `dueAt` in microseconds of `nowMicros`. */
export type EventOf = (number: number, dueAt: number) => BenchMessage[];

/** Events of `size` messages: the rooms in turn, going on where the event before ended. */
export const inTurn =
  (rooms: readonly string[], size: number, carries: Carried): EventOf =>
  (number, dueAt) =>
    Array.from({ length: size }, (_, index) => {
      const position = number * size + index;
      const key = rooms[position % rooms.length] ?? "";
      return { key, rooms: [key], carries, dueAt, isTimed: position % TIMED_EVERY === 0 };
    });
