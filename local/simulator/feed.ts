import type { EventSource } from "./event-source.ts";
import type { SimulatedEvent, Simulation } from "./simulation.ts";

const PERIOD_MS = 100;

export interface FeedOptions {
  readonly simulation: Simulation;
  readonly source: EventSource;
  /** Approximate events a second. */
  readonly eventsPerSecond: number;
  readonly onError: (error: unknown) => void;
}

/** Lets a simulation run and puts what happens on the bus. */
export function startFeed({ simulation, source, eventsPerSecond, onError }: FeedOptions): { stop(): void } {
  let owed = 0;

  const tick = (): void => {
    owed += (eventsPerSecond * PERIOD_MS) / 1_000;
    const events: SimulatedEvent[] = [];
    while (events.length < owed) events.push(...simulation.next(Date.now()));
    owed -= events.length;
    source.put(events).catch(onError);
  };

  const timer = setInterval(tick, PERIOD_MS);
  tick();
  return { stop: () => clearInterval(timer) };
}
