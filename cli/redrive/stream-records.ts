import type { KinesisClient, _Record as KinesisRecord } from "@aws-sdk/client-kinesis";
import type { StreamBatch } from "./failed-event.ts";

/** Records of one request; a function gets at most 200 at once. */
const PAGE = 500;

/** Requests without a record after which the rest counts as gone. */
const MAXIMUM_EMPTY = 5;

/** A record as a function moves one to its failure queue: its data as the producer wrote it. */
const describe = ({ streamArn, shardId }: StreamBatch, record: KinesisRecord): object => ({
  eventID: `${shardId}:${record.SequenceNumber}`,
  eventSourceARN: streamArn,
  sequenceNumber: record.SequenceNumber,
  partitionKey: record.PartitionKey,
  approximateArrivalTimestamp: (record.ApproximateArrivalTimestamp?.getTime() ?? 0) / 1_000,
  data: Buffer.from(record.Data ?? []).toString("base64"),
  isBase64Encoded: true,
});

/**
 * Reads the records of a batch from the stream.
 *
 * @throws Error where the stream holds them no more.
 */
export async function readStreamRecords(client: KinesisClient, batch: StreamBatch): Promise<readonly object[]> {
  const { GetRecordsCommand, GetShardIteratorCommand } = await import("@aws-sdk/client-kinesis");
  const { streamArn: StreamARN, shardId: ShardId, startSequenceNumber, endSequenceNumber } = batch;
  const start = new GetShardIteratorCommand({
    ...{ StreamARN, ShardId, ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: startSequenceNumber },
  });
  let { ShardIterator: iterator } = await client.send(start);
  const found: object[] = [];
  let empty = 0;
  while (iterator && empty < MAXIMUM_EMPTY) {
    const page = await client.send(new GetRecordsCommand({ StreamARN, ShardIterator: iterator, Limit: PAGE }));
    const { Records: records = [], NextShardIterator } = page;
    empty = records.length === 0 ? empty + 1 : 0;
    for (const record of records) {
      const isPast = BigInt(record.SequenceNumber ?? 0) > BigInt(endSequenceNumber);
      if (isPast) return found;
      found.push(describe(batch, record));
      if (record.SequenceNumber === endSequenceNumber) return found;
    }
    iterator = NextShardIterator;
  }
  if (found.length === 0) throw new Error(`${ShardId} holds ${startSequenceNumber} no more: replay its source`);
  return found;
}
