import { domainNames, domains } from "../../contract/domain-events.ts";
import { parseEventEntry } from "../../contract/event-entry.ts";
import { messageOf } from "../../kernel/as-error.ts";
import type { RecordedMessage } from "./recording.ts";

/** A domain event for the bus. */
export interface ReplayEvent {
  readonly Source: string;
  readonly DetailType: string;
  readonly Detail: string;
}

/** Several events lead to one channel; the payload of a message fits one of them. */
const definitionsOf = (channel: string) =>
  domainNames.flatMap((name) => domains[name].filter((each) => each.channel === channel));

/**
 * Makes the domain event that a recorded message came from, at another time: an older state is refused as stale, and an
 * id that is remembered as a duplicate.
 *
 * @throws Error where no event of the contract fits the message.
 */
export function toReplayEvent({ channel, userId, event, data }: RecordedMessage, now: number): ReplayEvent {
  const detail = {
    ...data,
    time: now,
    ...(userId === undefined ? {} : { userId }),
    ...(event === undefined ? {} : { event }),
  };
  let reason: unknown;
  for (const { source: Source, detailType: DetailType } of definitionsOf(channel)) {
    try {
      parseEventEntry("replay", { Source, DetailType, Detail: detail });
      return { Source, DetailType, Detail: JSON.stringify(detail) };
    } catch (error) {
      reason = error;
    }
  }
  throw new Error(`a recorded message of ${channel} is no event of the contract: ${messageOf(reason)}`, {
    cause: reason,
  });
}
