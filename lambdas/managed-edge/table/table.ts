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
import { requestSignal } from "../../../kernel/aws/bounded-requests.ts";
import { chunks } from "../../../kernel/chunks.ts";
import { edgeTable } from "../../../kernel/managed-edge/edge-table.ts";

const { partitionKey, sortKey, timeToLive } = edgeTable;

/** Most rows that DynamoDB takes in one batch, and attempts to write those that it left unprocessed. */
const MAXIMUM_BATCH = 25;
const BATCH_ATTEMPTS = 6;

/** Most requests to the table in flight at once from one function: a request that waits here is not timed yet. */
const MAXIMUM_REQUESTS = 48;

export type Row = Readonly<Record<string, unknown>>;

/** The primary key of a row. */
export interface RowKey {
  readonly partition: string;
  readonly sort: string;
}

/** A row to write: every row expires. */
export interface NewRow extends RowKey {
  readonly values: Row;
  /** In seconds since 1970. */
  readonly expiresAt: number;
}

/** A conditional update of one row. */
export type Change = Pick<
  UpdateCommandInput,
  "UpdateExpression" | "ConditionExpression" | "ExpressionAttributeNames" | "ExpressionAttributeValues"
>;

export type Condition = Omit<Change, "UpdateExpression">;

type WriteRequests = NonNullable<ConstructorParameters<typeof BatchWriteCommand>[0]["RequestItems"]>[string];

const keyOf = ({ partition, sort }: RowKey) => ({ [partitionKey]: partition, [sortKey]: sort });

const itemOf = (row: NewRow) => ({ ...keyOf(row), ...row.values, [timeToLive]: row.expiresAt });

/** Resolves with false where the write's condition did not hold. */
async function succeeded(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/**
 * The few operations of the managed edge on its table. Reads are consistent. Every operation rejects with the SDK's error,
 * within seconds where the table does not answer.
 */
export class Table {
  readonly #client: DynamoDBDocumentClient;
  readonly #name: string;
  readonly #limit = pLimit(MAXIMUM_REQUESTS);

  constructor(client: DynamoDBDocumentClient, name: string) {
    this.#client = client;
    this.#name = name;
  }

  /** Yields the rows of a partition that have not expired, a page at a time. */
  async *pages(partition: string): AsyncIterable<readonly Row[]> {
    let from: Row | undefined;
    do {
      // Each page has its own time limit; the SDK's pagination would have one for all of them.
      const { Items = [], LastEvaluatedKey } = await this.#limit(() =>
        this.#client.send(this.#query(partition, from), requestSignal()),
      );
      // DynamoDB deletes an expired row hours later.
      yield Items.filter((item) => Number(item[timeToLive]) * 1_000 > Date.now());
      from = LastEvaluatedKey;
    } while (from);
  }

  /** Resolves with a row, or undefined where there is none. */
  get(key: RowKey): Promise<Row | undefined> {
    const command = new GetCommand({ TableName: this.#name, Key: keyOf(key), ConsistentRead: true });
    return this.#limit(async () => (await this.#client.send(command, requestSignal())).Item);
  }

  /** Writes a row if the condition holds; resolves with whether it did. */
  put(row: NewRow, condition: Condition): Promise<boolean> {
    const command = new PutCommand({ TableName: this.#name, Item: itemOf(row), ...condition });
    return this.#limit(() => succeeded(this.#client.send(command, requestSignal())));
  }

  /** Writes rows, whatever is there. */
  putAll(rows: readonly NewRow[]): Promise<void> {
    return this.#writeAll(rows.map((row) => ({ PutRequest: { Item: itemOf(row) } })));
  }

  /** Updates a row if the condition holds; resolves with whether it did. */
  change(key: RowKey, change: Change): Promise<boolean> {
    const command = new UpdateCommand({ TableName: this.#name, Key: keyOf(key), ...change });
    return this.#limit(() => succeeded(this.#client.send(command, requestSignal())));
  }

  /** Deletes a row if the condition holds; does nothing otherwise. */
  async delete(key: RowKey, condition?: Condition): Promise<void> {
    const command = new DeleteCommand({ TableName: this.#name, Key: keyOf(key), ...condition });
    await this.#limit(() => succeeded(this.#client.send(command, requestSignal())));
  }

  deleteAll(keys: readonly RowKey[]): Promise<void> {
    return this.#writeAll(keys.map((key) => ({ DeleteRequest: { Key: keyOf(key) } })));
  }

  #query(partition: string, from: Row | undefined): QueryCommand {
    return new QueryCommand({
      TableName: this.#name,
      KeyConditionExpression: "#partition = :partition",
      ExpressionAttributeNames: { "#partition": partitionKey },
      ExpressionAttributeValues: { ":partition": partition },
      // The fan-out of a message must see a subscriber whose row was written before the message was published.
      ConsistentRead: true,
      ExclusiveStartKey: from,
    });
  }

  async #writeAll(requests: WriteRequests): Promise<void> {
    const batches = [...chunks(requests, MAXIMUM_BATCH)];
    await Promise.all(batches.map((batch) => this.#limit(() => this.#writeBatch(batch))));
  }

  async #writeBatch(requests: readonly WriteRequests[number][]): Promise<void> {
    let pending = [...requests];
    for (let attempt = 0; pending.length > 0; attempt += 1) {
      if (attempt === BATCH_ATTEMPTS) throw new Error(`${pending.length} rows were not written`);
      // DynamoDB leaves unprocessed what exceeds its throughput; full jitter spreads the retries of many functions.
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * 25 * 2 ** attempt));
      const command = new BatchWriteCommand({ RequestItems: { [this.#name]: pending } });
      const { UnprocessedItems } = await this.#client.send(command, requestSignal());
      pending = UnprocessedItems?.[this.#name] ?? [];
    }
  }
}
