import { isUtf8 } from "node:buffer";
import type { KinesisStreamRecord } from "aws-lambda";
import type { DomainEvent } from "../../contract/domain-events.ts";
import { parseEntry } from "../../contract/event-entry.ts";

/** A record of a stream in a failure queue: its data as the producer wrote it. */
export interface DescribedRecord {
  readonly eventID: string;
  readonly eventSourceARN: string;
  readonly sequenceNumber: string;
  readonly partitionKey: string;
  readonly approximateArrivalTimestamp: number;
  readonly data: string;
  /** True where the data is no text. */
  readonly isBase64Encoded: boolean;
}

/** Returns the data of a record as bytes. */
export const dataOf = ({ kinesis }: KinesisStreamRecord): Buffer => Buffer.from(kinesis.data, "base64");

export function describeRecord(record: KinesisStreamRecord): DescribedRecord {
  const { eventID, eventSourceARN, kinesis } = record;
  const { sequenceNumber, partitionKey, approximateArrivalTimestamp, data } = kinesis;
  const bytes = dataOf(record);
  const isText = isUtf8(bytes);
  return {
    ...{ eventID, eventSourceARN, sequenceNumber, partitionKey, approximateArrivalTimestamp },
    ...{ data: isText ? bytes.toString("utf8") : data, isBase64Encoded: !isText },
  };
}

export const isDescribedRecord = (event: object): event is DescribedRecord =>
  "eventID" in event && "data" in event && typeof event.data === "string";

/** Returns the event of a record. @throws InvalidEventError where its data is no event */
export const parseDescribedRecord = ({ eventID, data, isBase64Encoded }: DescribedRecord): DomainEvent =>
  parseEntry(eventID, isBase64Encoded ? Buffer.from(data, "base64").toString("utf8") : data);
