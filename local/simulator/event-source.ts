import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import type { SimulatedEvent } from "./simulation.ts";

/** Most entries that PutEvents takes in one request. */
const BATCH = 10;

/** Puts events on the bus, with the AWS SDK as any producer would. */
export class EventSource {
  readonly #client: EventBridgeClient;

  /** @param endpoint where PutEvents is spoken. */
  constructor(endpoint: string) {
    const credentials = { accessKeyId: "local", secretAccessKey: "local" };
    this.#client = new EventBridgeClient({ endpoint, region: "local", credentials, maxAttempts: 1 });
  }

  /** @throws Error where the bus cannot be reached or refuses one of them. */
  async put(events: readonly SimulatedEvent[]): Promise<void> {
    const batches: (readonly SimulatedEvent[])[] = [];
    for (let start = 0; start < events.length; start += BATCH) batches.push(events.slice(start, start + BATCH));
    await Promise.all(batches.map((batch) => this.#putBatch(batch)));
  }

  close(): void {
    this.#client.destroy();
  }

  async #putBatch(events: readonly SimulatedEvent[]): Promise<void> {
    const Entries = events.map(({ source, detailType, detail }) => ({
      Source: source,
      DetailType: detailType,
      Detail: JSON.stringify(detail),
    }));
    const { FailedEntryCount = 0 } = await this.#client.send(new PutEventsCommand({ Entries }));
    if (FailedEntryCount > 0) throw new Error(`the bus refused ${FailedEntryCount} of ${events.length} events`);
  }
}
