import type { EventBridgeEvent } from "aws-lambda";
import { type Domain, type DomainEvent, parseDomainEvent } from "../../contract/domain-events.ts";
import { preciseNow, type Tracer } from "../../kernel/tracing/tracer.ts";
import { isDescribedRecord, parseDescribedRecord } from "./described-record.ts";
import { writeEventAges } from "./event-age.ts";
import type { Publish } from "./logged-publish.ts";
import { tracedPublish } from "./traced-publish.ts";

export type DomainEventHandler = (event: EventBridgeEvent<string, unknown>) => Promise<void>;

const toDomainEvent = (event: EventBridgeEvent<string, unknown>): DomainEvent => {
  // A record of the stream that was moved to the failure queue, and put back.
  if (isDescribedRecord(event)) return parseDescribedRecord(event);
  const { id, source, "detail-type": detailType, detail } = event;
  return { id, source, detailType, detail };
};

/**
 * Builds the handler of one domain's events on the bus: it parses an event and publishes the message.
 *
 * The handler rejects where the event is not valid, which `withFailureQueue` takes care of, or was not published: Lambda
 * retries, and after the last attempt sends the event to the function's failure destination.
 *
 * @param tracer records where the sampled events spend their time.
 */
export function createDomainEventHandler(domain: Domain, publish: Publish, tracer?: Tracer): DomainEventHandler {
  const publishReceived = tracedPublish(tracer, publish);
  return async (event) => {
    const receivedMs = preciseNow();
    const message = parseDomainEvent(domain, toDomainEvent(event));
    // A record that was put back has no time.
    const occurredMs = Date.parse(event.time);
    await publishReceived([{ message, occurredMs: Number.isNaN(occurredMs) ? receivedMs : occurredMs, receivedMs }]);
    writeEventAges([occurredMs]);
  };
}
