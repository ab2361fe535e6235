import type { EventEntry } from "@vezta/realtime-publisher";

/** Turns the lines of a feed, one message each, into events for the bus. Keeps what it needs between lines. */
export interface Adapter {
  /** Returns the events that a line leads to; none where clients need not know of it. */
  read(line: string): readonly EventEntry[];
}

/** Creates the adapter of a feed. */
export type CreateAdapter = () => Adapter;

/** Reads all lines of a recorded feed. */
export function readFeed(createAdapter: CreateAdapter, text: string): readonly EventEntry[] {
  const adapter = createAdapter();
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .flatMap((line) => adapter.read(line));
}
