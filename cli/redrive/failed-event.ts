import { isRecord } from "../../contract/is-record.ts";

/** Records of a Kinesis stream that a function failed to handle: where they are, not what they are. */
export interface StreamBatch {
  readonly streamArn: string;
  readonly shardId: string;
  readonly startSequenceNumber: string;
  readonly endSequenceNumber: string;
}

/**
 * What a message of a failure queue holds:
 * - `event`: the event as its source wrote it, in Lambda's record with the reason, or alone as EventBridge puts one that it
 *   could not deliver.
 * - `batch`: the place of records in a Kinesis stream.
 * - `unknown`: nothing that can be put back.
 */
export type FailedEvent =
  | { readonly kind: "event"; readonly body: string; readonly subject: string; readonly reason: string }
  | { readonly kind: "batch"; readonly batch: StreamBatch; readonly subject: string; readonly reason: string }
  | { readonly kind: "unknown"; readonly subject: string; readonly reason: string };

/** The attributes of a message, of which EventBridge writes the reason. */
export type MessageAttributes = Readonly<Record<string, { readonly StringValue?: string | undefined }>>;

const textOf = (value: unknown, fallback: string): string => (typeof value === "string" ? value : fallback);

function describeEvent(event: unknown): string {
  if (!isRecord(event)) return "an event";
  if ("sequenceNumber" in event) return `record ${textOf(event.eventID, String(event.sequenceNumber))}`;
  return `${textOf(event.source, "?")} ${textOf(event["detail-type"], "?")} ${textOf(event.id, "")}`.trim();
}

function parseBatch({ KinesisBatchInfo: info, requestContext }: Record<string, unknown>): FailedEvent | undefined {
  if (!isRecord(info)) return undefined;
  const { streamArn, shardId, startSequenceNumber, endSequenceNumber, batchSize } = info;
  const fields = [streamArn, shardId, startSequenceNumber, endSequenceNumber];
  if (fields.some((field) => typeof field !== "string")) return undefined;
  const batch = { streamArn, shardId, startSequenceNumber, endSequenceNumber } as StreamBatch;
  const reason = isRecord(requestContext) ? textOf(requestContext.condition, "unknown") : "unknown";
  return { kind: "batch", batch, subject: `${batchSize} records of ${shardId}`, reason };
}

/** Parses a message of a failure queue, whichever of its writers wrote it. */
export function parseFailedEvent(body: string, attributes: MessageAttributes = {}): FailedEvent {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { kind: "unknown", subject: "a message", reason: "it is not JSON" };
  }
  if (!isRecord(value)) return { kind: "unknown", subject: "a message", reason: "it is no object" };
  const batch = parseBatch(value);
  if (batch) return batch;
  if ("requestPayload" in value) {
    const response = isRecord(value.responsePayload) ? value.responsePayload : {};
    const reason = textOf(response.errorMessage, "no reason given");
    return { kind: "event", body, subject: describeEvent(value.requestPayload), reason };
  }
  if ("detail-type" in value && "source" in value) {
    const code = attributes.ERROR_CODE?.StringValue ?? "not delivered";
    const reason = `${code}: ${attributes.ERROR_MESSAGE?.StringValue ?? "EventBridge gave no reason"}`;
    return { kind: "event", body, subject: describeEvent(value), reason };
  }
  return { kind: "unknown", subject: "a message", reason: "it has none of the forms of a failed event" };
}
