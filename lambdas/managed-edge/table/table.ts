import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import {
  BatchWriteCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
  type UpdateCommandInput,
} from "@aws-sdk/lib-dynamodb";
import pLimit from "p-limit";
import { requestSignal } from "../../../kernel/aws/aws-bounds.ts";
import { edgeTable } from "../../../kernel/managed-edge/edge-table.ts";

const { partitionKey, sortKey, timeToLive } = edgeTable;

/** The most rows that DynamoDB takes in one batch, and how often what it did not take is sent again. */
const MAXIMUM_BATCH = 25;
const BATCH_ATTEMPTS = 6;

/** Requests to the table under way at once from one function: what waits here is not yet timed. */
const MAXIMUM_REQUESTS = 48;

export type Row = Readonly<Record<string, unknown>>;

/** The place of a row. */
export interface RowKey {
  readonly partition: string;
  readonly sort: string;
}

/** A row as it is written: all have an end. */
export interface NewRow extends RowKey {
  readonly values: Row;
  /** In seconds since 1970. */
  readonly expiresAt: number;
}

export type Change = Pick<
  UpdateCommandInput,
  "UpdateExpression" | "ConditionExpression" | "ExpressionAttributeNames" | "ExpressionAttributeValues"
>;

export type Condition = Omit<Change, "UpdateExpression">;

/**
 * The few operations that the managed edge does on its table. All reject with the SDK's error, within seconds where the
 * table does not answer.
 */
export interface Table {
  /** The rows of a partition that have not expired, a page at a time, as they are at this moment. */
  pages(partition: string): AsyncIterable<readonly Row[]>;
  /** A row as it is at this moment, or undefined where there is none. */
  get(key: RowKey): Promise<Row | undefined>;
  /** Writes a row if the condition holds; says whether it did. */
  put(row: NewRow, condition: Condition): Promise<boolean>;
  /** Writes rows over whatever is there. */
  putAll(rows: readonly NewRow[]): Promise<void>;
  /** Changes a row if the condition holds; says whether it did. */
  change(key: RowKey, change: Change): Promise<boolean>;
  /** Deletes a row if the condition holds; does nothing otherwise. */
  delete(key: RowKey, condition?: Condition): Promise<void>;
  deleteAll(keys: readonly RowKey[]): Promise<void>;
}

const keyOf = ({ partition, sort }: RowKey) => ({ [partitionKey]: partition, [sortKey]: sort });

async function succeeded(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

export function createTable(client: DynamoDBDocumentClient, name: string): Table {
  const limit = pLimit(MAXIMUM_REQUESTS);

  type WriteRequests = NonNullable<ConstructorParameters<typeof BatchWriteCommand>[0]["RequestItems"]>[string];

  const writeBatch = async (requests: WriteRequests): Promise<void> => {
    let pending = requests;
    for (let attempt = 0; pending.length > 0; attempt += 1) {
      if (attempt === BATCH_ATTEMPTS) throw new Error(`${pending.length} rows were not written`);
      // DynamoDB leaves out what exceeds its throughput; full jitter, so that those left out do not come back as one.
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * 25 * 2 ** attempt));
      const command = new BatchWriteCommand({ RequestItems: { [name]: pending } });
      const { UnprocessedItems } = await client.send(command, requestSignal());
      pending = UnprocessedItems?.[name] ?? [];
    }
  };

  const writeAll = async (requests: WriteRequests): Promise<void> => {
    const batches = Array.from({ length: Math.ceil(requests.length / MAXIMUM_BATCH) }, (_, index) =>
      requests.slice(index * MAXIMUM_BATCH, (index + 1) * MAXIMUM_BATCH),
    );
    await Promise.all(batches.map((batch) => limit(() => writeBatch(batch))));
  };

  const itemOf = (row: NewRow) => ({ ...keyOf(row), ...row.values, [timeToLive]: row.expiresAt });

  const query = (partition: string, from: Row | undefined): QueryCommand =>
    new QueryCommand({
      TableName: name,
      KeyConditionExpression: "#partition = :partition",
      ExpressionAttributeNames: { "#partition": partitionKey },
      ExpressionAttributeValues: { ":partition": partition },
      // A listener that was written before a message was published must be seen by that message's fan-out.
      ConsistentRead: true,
      ExclusiveStartKey: from,
    });

  return {
    async *pages(partition) {
      let from: Row | undefined;
      do {
        // Each page has its own bound; the SDK's pagination would have one for all.
        const { Items = [], LastEvaluatedKey } = await limit(() =>
          client.send(query(partition, from), requestSignal()),
        );
        // DynamoDB takes hours to delete what has expired.
        yield Items.filter((item) => Number(item[timeToLive]) * 1_000 > Date.now());
        from = LastEvaluatedKey;
      } while (from);
    },
    get: (key) =>
      limit(async () => {
        const command = new GetCommand({ TableName: name, Key: keyOf(key), ConsistentRead: true });
        return (await client.send(command, requestSignal())).Item;
      }),
    put: (row, condition) =>
      limit(() => {
        const command = new PutCommand({ TableName: name, Item: itemOf(row), ...condition });
        return succeeded(client.send(command, requestSignal()));
      }),
    putAll: (rows) => writeAll(rows.map((row) => ({ PutRequest: { Item: itemOf(row) } }))),
    change: (key, change) =>
      limit(() => {
        const command = new UpdateCommand({ TableName: name, Key: keyOf(key), ...change });
        return succeeded(client.send(command, requestSignal()));
      }),
    delete: async (key, condition) => {
      const command = new DeleteCommand({ TableName: name, Key: keyOf(key), ...condition });
      await limit(() => succeeded(client.send(command, requestSignal())));
    },
    deleteAll: (keys) => writeAll(keys.map((key) => ({ DeleteRequest: { Key: keyOf(key) } }))),
  };
}
