/** Counts of the billed items that grow with messages. */
export interface Counts {
  /** Messages that API Gateway sent, and as it bills them, in steps of 32 KB. */
  posts: number;
  billedPosts: number;
  /** SendMessageBatch. */
  queueRequests: number;
  /** Of the fan-out, and how long they took together. */
  invocations: number;
  invocationMs: number;
  /** Reads of the table, of up to 4 KB each. */
  tableRequests: number;
}

export const noCounts = (): Counts => ({
  posts: 0,
  billedPosts: 0,
  queueRequests: 0,
  invocations: 0,
  invocationMs: 0,
  tableRequests: 0,
});

/** List prices of us-east-1, in dollars a million: API Gateway's first billion, SQS FIFO, Lambda, DynamoDB on demand. */
const PRICES = { message: 1, queueRequest: 0.5, invocation: 0.2, tableRead: 0.125 };

/** A millisecond of a function of 512 MB on arm64, in dollars. */
const LAMBDA_MS = (0.0000133334 / 1_000) * 0.5;

/** A batch is received and deleted: two more requests. */
const REQUESTS_PER_BATCH = 2;

/** Returns the cost in dollars: the messages, and all that leads to them (without Redis and connection minutes). */
export function costOf(counts: Counts, billedPosts: number): { readonly messages: number; readonly others: number } {
  const queueRequests = counts.queueRequests + REQUESTS_PER_BATCH * counts.invocations;
  const perMillion =
    queueRequests * PRICES.queueRequest +
    counts.invocations * PRICES.invocation +
    counts.tableRequests * PRICES.tableRead;
  return {
    messages: (billedPosts * PRICES.message) / 1e6,
    others: perMillion / 1e6 + counts.invocationMs * LAMBDA_MS,
  };
}
