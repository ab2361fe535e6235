import type { TopologyName } from "./topologies.ts";

/**
 * What is sent, in events of several messages each, spread over the rooms in turn:
 * - `open`: at a fixed rate, whatever the server does with it.
 * - `closed`: the next event goes out as one is delivered whole; `outstanding` are under way.
 * - `half`: as `open`, at half of the rate that the same server took in the closed loop just before.
 */
export type Traffic =
  | { readonly kind: "open"; readonly perEvent: number; readonly eventsPerSecond: number; readonly seconds: number }
  | { readonly kind: "closed"; readonly perEvent: number; readonly outstanding: number; readonly seconds: number }
  | { readonly kind: "half"; readonly perEvent: number; readonly seconds: number };

export interface Shape {
  readonly title: string;
  readonly topology: TopologyName;
  readonly traffic: Traffic;
}

/** The loop that finds out how much a server takes at most. */
export const SATURATION = { kind: "closed", perEvent: 20, outstanding: 2, seconds: 2 } as const;

const open = (perEvent: number, eventsPerSecond: number, seconds: number): Traffic => ({
  ...{ kind: "open", perEvent, eventsPerSecond, seconds },
});

/** In this order, since some build on what others found. */
export const shapes = {
  singles: { title: "single messages, 50 a second, to 1,000 clients", topology: "one-room", traffic: open(1, 50, 2) },
  "singles-100": { title: "the same, 100 a second", topology: "one-room", traffic: open(1, 100, 2) },
  "singles-500": { title: "the same, 500 a second", topology: "one-room", traffic: open(1, 500, 1) },
  bursts: { title: "20 messages every 500 ms to 1,000 clients", topology: "one-room", traffic: open(20, 2, 2) },
  saturation: {
    title: "20 messages as soon as 20 are delivered, two such loops",
    topology: "one-room",
    traffic: SATURATION,
  },
  "half-saturation": {
    title: "20 messages at a time, at half of the server's own saturated rate",
    topology: "one-room",
    traffic: { kind: "half", perEvent: 20, seconds: 2 },
  },
  rooms: {
    title: "1,000 clients with 5 of 50 rooms each; 100 messages over the rooms, saturated",
    topology: "fifty-rooms",
    traffic: { kind: "closed", perEvent: 100, outstanding: 2, seconds: 2 },
  },
  "small-rooms": {
    title: "250 rooms of 4 clients, 1,000 messages a second",
    topology: "small-rooms",
    traffic: open(20, 50, 2),
  },
  private: {
    title: "1,000 users, 1,000 messages a second, each to one",
    topology: "private",
    traffic: open(10, 100, 2),
  },
} as const satisfies Record<string, Shape>;

export type ShapeName = keyof typeof shapes;

export const shapeNames = Object.keys(shapes) as readonly ShapeName[];
