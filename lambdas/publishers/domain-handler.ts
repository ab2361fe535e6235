import type { EventBridgeEvent } from "aws-lambda";
import { type Domain, parseDomainEvent } from "../../contract/domain-events.ts";
import { preciseNow, type Tracer } from "../../kernel/tracing/tracer.ts";
import { writeEventAges } from "./event-age.ts";
import type { Publish } from "./logged-publish.ts";
import { tracedPublish } from "./traced-publish.ts";

export type DomainEventHandler = (event: EventBridgeEvent<string, unknown>) => Promise<void>;

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
    const { id, source, "detail-type": detailType, detail, time } = event;
    const message = parseDomainEvent(domain, { id, source, detailType, detail });
    const occurredMs = Date.parse(time);
    await publishReceived([{ message, occurredMs, receivedMs }]);
    writeEventAges([occurredMs]);
  };
}
