import type { EventBridgeEvent } from "aws-lambda";
import { type ChannelMessage, type Domain, parseDomainEvent } from "../../contract/domain-events.ts";
import type { PublishOutcome } from "../../kernel/streams/publisher.ts";
import { writeEventAges } from "./event-age.ts";

export type Publish = (messages: readonly ChannelMessage[]) => Promise<readonly PublishOutcome[]>;

export type DomainEventHandler = (event: EventBridgeEvent<string, unknown>) => Promise<void>;

/**
 * Builds the handler of one domain's events on the bus: it parses an event and publishes the message.
 *
 * The handler rejects where the event is not valid, which `withFailureQueue` takes care of, or was not published: Lambda
 * retries, and after the last attempt sends the event to the function's failure destination.
 */
export function createDomainEventHandler(domain: Domain, publish: Publish): DomainEventHandler {
  return async (event) => {
    const { id, source, "detail-type": detailType, detail, time } = event;
    await publish([parseDomainEvent(domain, { id, source, detailType, detail })]);
    writeEventAges([Date.parse(time)]);
  };
}
