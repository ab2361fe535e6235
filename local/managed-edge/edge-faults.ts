/**
 * Fault of a post:
 * - `gone`: 410, as for a connection that has ended
 * - `throttled`: 429
 * - `failed`: 500
 * - `silent`: the request is accepted, and neither handed to the client nor answered
 * - `unanswered`: handed to the client, never answered
 * - `killed`: handed to the client, and the functions' process gets SIGKILL (where they have a process of their own)
 */
export type PostFault = "gone" | "throttled" | "failed" | "silent" | "unanswered" | "killed" | undefined;

/** Fault of a request to DynamoDB or SQS: `silent` is accepted and never answered, `failed` is a 500. */
export type RequestFault = "silent" | "failed" | undefined;

/** Faults of the emulated AWS, for tests and the drill. Read at each request; assign to change one. */
export interface EdgeFaults {
  /** `POST @connections/<id>`; the post waits for what it resolves with. */
  post: (connectionId: string, body: string) => PostFault | Promise<PostFault>;
  /** `DELETE @connections/<id>`. */
  close: (connectionId: string) => RequestFault;
  /** DynamoDB, by operation (`UpdateItem`). */
  table: (operation: string) => RequestFault;
  /** `SendMessageBatch`. */
  queue: () => RequestFault;
}

/** Nothing goes wrong. */
export const noFaults = (): EdgeFaults => ({
  post: () => undefined,
  close: () => undefined,
  table: () => undefined,
  queue: () => undefined,
});
