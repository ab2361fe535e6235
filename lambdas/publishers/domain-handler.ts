import type { EventBridgeEvent } from "aws-lambda";
import { type ChannelMessage, type Domain, parseDomainEvent } from "../../contract/domain-events.ts";
import type { PublishOutcome } from "../../kernel/streams/publisher.ts";

export type Publish = (messages: readonly ChannelMessage[]) => Promise<readonly PublishOutcome[]>;

export type DomainEventHandler = (event: EventBridgeEvent<string, unknown>) => Promise<void>;

/**
 * The handler of one domain's events on the bus: parse, map to a message, publish.
 *
 * It throws on an event that does not parse and on one that could not be published; Lambda then retries and at last
 * hands the event to the function's failure destination.
 */
export function createDomainEventHandler(domain: Domain, publish: Publish): DomainEventHandler {
  return async (event) => {
    const { id, source, "detail-type": detailType, detail } = event;
    await publish([parseDomainEvent(domain, { id, source, detailType, detail })]);
  };
}
