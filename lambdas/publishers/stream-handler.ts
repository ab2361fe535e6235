import type { KinesisStreamBatchResponse, KinesisStreamEvent, KinesisStreamRecord } from "aws-lambda";
import { type ChannelMessage, type Domain, InvalidEventError, parseDomainEvent } from "../../contract/domain-events.ts";
import { parseEntry } from "../../contract/event-entry.ts";
import { PublishError, type PublishOutcome } from "../../kernel/streams/publisher.ts";
import { preciseNow, type Tracer } from "../../kernel/tracing/tracer.ts";
import { type InvalidEvent, isPermanent } from "../../publisher/failure-queue.ts";
import { dataOf, describeRecord } from "./described-record.ts";
import { writeEventAges } from "./event-age.ts";
import type { Publish } from "./logged-publish.ts";
import { type PublishReceived, type ReceivedMessage, tracedPublish } from "./traced-publish.ts";

export type StreamHandler = (event: KinesisStreamEvent) => Promise<KinesisStreamBatchResponse>;

/** When Kinesis took a record, in ms since 1970. */
const arrivalOf = ({ kinesis }: KinesisStreamRecord): number => kinesis.approximateArrivalTimestamp * 1_000;

const parseRecord = (domain: Domain, record: KinesisStreamRecord): ChannelMessage =>
  parseDomainEvent(domain, parseEntry(record.eventID, dataOf(record).toString("utf8")));

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

async function outcomesOf(
  publish: PublishReceived,
  received: readonly ReceivedMessage[],
): Promise<readonly PublishOutcome[]> {
  try {
    return await publish(received);
  } catch (error) {
    if (error instanceof PublishError) return error.outcomes;
    throw error;
  }
}

interface StreamHandlerOptions {
  readonly publish: Publish;
  /** Records where the sampled records spend their time. @default - nothing is traced */
  readonly tracer?: Tracer | undefined;
  /** Moves records that are to be retried no more to the failure queue. Resolves with those that it could not move. */
  readonly moveToFailureQueue: (events: readonly InvalidEvent[]) => Promise<readonly InvalidEvent[]>;
  /** Called for each record that is reported as failed. */
  readonly onError: (error: Error, sequenceNumber: string) => void;
}

/**
 * Age at which a record that fails is moved, in ms, before the event source gives it up: what that writes to the queue is
 * sequence numbers alone, which lead nowhere once the stream has let go of the record.
 */
const GIVE_UP_MS = 45_000;

const isOld = ({ kinesis }: KinesisStreamRecord): boolean =>
  Date.now() - kinesis.approximateArrivalTimestamp * 1_000 > GIVE_UP_MS;

/**
 * Takes the records out of `failures` that go to the failure queue: retrying one would hold up its shard, for nothing where
 * the record is wrong, for too long where it is old.
 */
async function moveFailures(failures: Failures, move: StreamHandlerOptions["moveToFailureQueue"]): Promise<void> {
  const records = new Map<InvalidEvent, KinesisStreamRecord>();
  for (const [record, error] of failures) {
    if (isPermanent(error) || isOld(record)) records.set({ event: describeRecord(record), error }, record);
  }
  const unmoved = new Set(records.size > 0 ? await move([...records.keys()]) : []);
  for (const [invalid, record] of records) if (!unmoved.has(invalid)) failures.delete(record);
}

/**
 * Builds the handler of a domain's batches on a Kinesis stream. It publishes all valid records, in their order, with one
 * call; moves those that no retry can help, or that have failed for too long, to the failure queue; and reports the failed ones by sequence number
 * (`ReportBatchItemFailures`), so that these never hold up the others.
 *
 * Not Powertools' batch processor: that one handles record by record, while `publish` takes the batch as a whole and keeps
 * the order of a stream where one of its messages fails.
 */
export function createStreamHandler(domain: Domain, options: StreamHandlerOptions): StreamHandler {
  const { moveToFailureQueue, onError } = options;
  const publish = tracedPublish(options.tracer, options.publish);
  return async ({ Records: records }) => {
    const receivedMs = preciseNow();
    const failures: Failures = new Map();
    const messages = parseRecords(domain, records, failures);
    const received = [...messages].map(([record, message]) => ({ message, occurredMs: arrivalOf(record), receivedMs }));
    const outcomes = await outcomesOf(publish, received);
    writeEventAges(received.map(({ occurredMs }) => occurredMs));
    for (const [index, record] of [...messages.keys()].entries()) {
      const outcome = outcomes[index];
      if (outcome?.status === "failed") failures.set(record, outcome.error);
    }
    await moveFailures(failures, moveToFailureQueue);
    for (const [{ kinesis }, error] of failures) onError(error, kinesis.sequenceNumber);
    return { batchItemFailures: [...failures.keys()].map((r) => ({ itemIdentifier: r.kinesis.sequenceNumber })) };
  };
}
