import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { type SimulatedEvent, Simulation } from "./simulation.ts";

const PERIOD_MS = 100;

/** What PutEvents takes in one request. */
const BATCH = 10;

export interface FeedOptions {
  /** Where PutEvents is spoken. */
  readonly endpoint: string;
  /** About so many events a second. */
  readonly eventsPerSecond: number;
  readonly seed: number;
  readonly onError: (error: Error) => void;
}

/** Lets a simulation run and puts what happens on the bus, with the AWS SDK as any producer would. */
export function startFeed({ endpoint, eventsPerSecond, seed, onError }: FeedOptions): { stop(): void } {
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = new EventBridgeClient({ endpoint, region: "local", credentials, maxAttempts: 1 });
  const simulation = new Simulation(seed);
  let owed = 0;

  const put = async (events: readonly SimulatedEvent[]): Promise<void> => {
    const Entries = events.map(({ source, detailType, detail }) => ({
      Source: source,
      DetailType: detailType,
      Detail: JSON.stringify(detail),
    }));
    const { FailedEntryCount = 0 } = await client.send(new PutEventsCommand({ Entries }));
    if (FailedEntryCount > 0) throw new Error(`the bus refused ${FailedEntryCount} of ${events.length} events`);
  };

  const tick = (): void => {
    owed += (eventsPerSecond * PERIOD_MS) / 1_000;
    const events: SimulatedEvent[] = [];
    while (events.length < owed) events.push(...simulation.next(Date.now()));
    owed -= events.length;
    for (let start = 0; start < events.length; start += BATCH) {
      put(events.slice(start, start + BATCH)).catch((error: unknown) =>
        onError(error instanceof Error ? error : new Error(String(error))),
      );
    }
  };

  const timer = setInterval(tick, PERIOD_MS);
  tick();
  return {
    stop: () => {
      clearInterval(timer);
      client.destroy();
    },
  };
}
