import type { EventBridgeEvent } from "aws-lambda";
import { type ChannelMessage, type Domain, type DomainEvent, parseDomainEvent } from "../../contract/domain-events.ts";
import type { PublishOutcome } from "../../kernel/streams/publisher.ts";
import { isDescribedRecord, parseDescribedRecord } from "./described-record.ts";

export type Publish = (messages: readonly ChannelMessage[]) => Promise<readonly PublishOutcome[]>;

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
 */
export function createDomainEventHandler(domain: Domain, publish: Publish): DomainEventHandler {
  return async (event) => {
    await publish([parseDomainEvent(domain, toDomainEvent(event))]);
  };
}
