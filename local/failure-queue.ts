import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import * as z from "zod";

/** Largest request, in bytes; SQS counts the bodies alone. */
const MAXIMUM_BYTES = 1_048_576;

const batchSchema = z.object({
  Entries: z
    .array(z.object({ Id: z.string(), MessageBody: z.string().min(1) }))
    .min(1)
    .max(10),
});

const recordSchema = z.object({
  requestContext: z.object({ condition: z.string(), approximateInvokeCount: z.int() }),
  requestPayload: z.unknown(),
  responsePayload: z.object({ errorType: z.string(), errorMessage: z.string() }),
});

/** The record of an event that was moved to the queue. */
export type FailureRecord = z.infer<typeof recordSchema>;

/** An SQS queue that functions move invalid events to. */
export interface FailureQueue {
  /** Variables that a function needs to use it, beside credentials. */
  readonly environment: Readonly<Record<"RT_FAILURE_QUEUE_URL", string>>;
  stop(): void;
}

const md5 = (body: string): string => createHash("md5").update(body).digest("hex");

/** Starts an SQS queue on 127.0.0.1 that takes `SendMessageBatch` from the AWS SDK. */
export async function startFailureQueue(onRecord: (record: FailureRecord) => void): Promise<FailureQueue> {
  const server = createServer(async (request, response) => {
    const body = await text(request);
    response.setHeader("content-type", "application/x-amz-json-1.0");
    try {
      if (request.headers["x-amz-target"] !== "AmazonSQS.SendMessageBatch") throw new Error("only SendMessageBatch");
      const { Entries: entries } = batchSchema.parse(JSON.parse(body));
      const bytes = entries.reduce((sum, { MessageBody }) => sum + Buffer.byteLength(MessageBody), 0);
      if (bytes > MAXIMUM_BYTES) throw new Error(`a request has at most ${MAXIMUM_BYTES} bytes, not ${bytes}`);
      for (const { MessageBody } of entries) onRecord(recordSchema.parse(JSON.parse(MessageBody)));
      const Successful = entries.map(({ Id, MessageBody }) => ({
        ...{ Id, MessageId: randomUUID(), MD5OfMessageBody: md5(MessageBody) },
      }));
      response.end(JSON.stringify({ Successful, Failed: [] }));
    } catch (error) {
      response.writeHead(400);
      response.end(JSON.stringify({ __type: "InvalidParameterValue", message: String(error) }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    environment: { RT_FAILURE_QUEUE_URL: `http://127.0.0.1:${port}/000000000000/failures` },
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
