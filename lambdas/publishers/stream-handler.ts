import type { KinesisStreamBatchResponse, KinesisStreamEvent, KinesisStreamRecord } from "aws-lambda";
import * as z from "zod";
import { type ChannelMessage, type Domain, InvalidEventError, parseDomainEvent } from "../../contract/domain-events.ts";
import { describeIssue } from "../../contract/messages.ts";
import { PublishError, type PublishOutcome } from "../../kernel/streams/publisher.ts";
import type { Publish } from "./domain-handler.ts";

export type StreamHandler = (event: KinesisStreamEvent) => Promise<KinesisStreamBatchResponse>;

/** A record's data: a `PutEvents` entry, so that a producer can change between bus and stream. */
const entrySchema = z.object({ Source: z.string(), DetailType: z.string(), Detail: z.unknown() });

function parseRecord(domain: Domain, { eventID, kinesis }: KinesisStreamRecord): ChannelMessage {
  let data: unknown;
  try {
    data = JSON.parse(Buffer.from(kinesis.data, "base64").toString("utf8"));
  } catch (cause) {
    throw new InvalidEventError(`record ${eventID}: its data is not JSON`, { cause });
  }
  const entry = entrySchema.safeParse(data);
  if (!entry.success) throw new InvalidEventError(`record ${eventID}: ${describeIssue(entry.error)}`);
  const { Source: source, DetailType: detailType, Detail: detail } = entry.data;
  return parseDomainEvent(domain, { id: eventID, source, detailType, detail });
}

type Failures = Map<KinesisStreamRecord, Error>;

/** Returns the messages of the valid records; adds the others to `failures`. */
function parseRecords(domain: Domain, records: readonly KinesisStreamRecord[], failures: Failures) {
  const messages = new Map<KinesisStreamRecord, ChannelMessage>();
  for (const record of records) {
    try {
      messages.set(record, parseRecord(domain, record));
    } catch (error) {
      if (!(error instanceof InvalidEventError)) throw error;
      failures.set(record, error);
    }
  }
  return messages;
}

async function outcomesOf(publish: Publish, messages: readonly ChannelMessage[]): Promise<readonly PublishOutcome[]> {
  try {
    return await publish(messages);
  } catch (error) {
    if (error instanceof PublishError) return error.outcomes;
    throw error;
  }
}

interface StreamHandlerOptions {
  readonly publish: Publish;
  /** Called for each record that is reported as failed. */
  readonly onError: (error: Error, sequenceNumber: string) => void;
}

/**
 * Builds the handler of a domain's batches on a Kinesis stream. It publishes all valid records, in their order, with one
 * call; it reports the failed ones by sequence number (`ReportBatchItemFailures`), so that these never hold up the others.
 *
 * Not Powertools' batch processor: that one handles record by record, while `publish` takes the batch as a whole and keeps
 * the order of a stream where one of its messages fails.
 */
export function createStreamHandler(domain: Domain, { publish, onError }: StreamHandlerOptions): StreamHandler {
  return async ({ Records: records }) => {
    const failures: Failures = new Map();
    const messages = parseRecords(domain, records, failures);
    const outcomes = await outcomesOf(publish, [...messages.values()]);
    for (const [index, record] of [...messages.keys()].entries()) {
      const outcome = outcomes[index];
      if (outcome?.status === "failed") failures.set(record, outcome.error);
    }
    for (const [{ kinesis }, error] of failures) onError(error, kinesis.sequenceNumber);
    return { batchItemFailures: [...failures.keys()].map((r) => ({ itemIdentifier: r.kinesis.sequenceNumber })) };
  };
}
