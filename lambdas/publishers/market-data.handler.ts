import { Logger } from "@aws-lambda-powertools/logger";
import type { EventBridgeEvent, KinesisStreamBatchResponse, KinesisStreamEvent } from "aws-lambda";
import { moveToFailureQueue, withFailureQueue } from "../../publisher/failure-queue.ts";
import { createDomainEventHandler } from "./domain-handler.ts";
import { loggedPublish } from "./logged-publish.ts";
import { publish, tracer } from "./prepared-publish.ts";
import { createStreamHandler } from "./stream-handler.ts";

const logger = new Logger({ serviceName: "market-data" });

const publishAndLog = loggedPublish(logger, publish);

const handleEvent = withFailureQueue(createDomainEventHandler("market-data", publishAndLog, tracer));
const handleBatch = createStreamHandler("market-data", {
  publish: publishAndLog,
  tracer,
  moveToFailureQueue,
  onError: (error, sequenceNumber) => logger.error("record not published", { sequenceNumber, error }),
});

const isOfStream = ({ Records: [first] }: KinesisStreamEvent): boolean => first !== undefined && "kinesis" in first;

/** Handles market data: single events of the bus, batches of the Kinesis stream, and batches of the retry queue. */
export async function handler(
  event: EventBridgeEvent<string, unknown> | KinesisStreamEvent,
): Promise<KinesisStreamBatchResponse | undefined> {
  if ("Records" in event && isOfStream(event)) return handleBatch(event);
  return (await handleEvent(event as EventBridgeEvent<string, unknown>)) ?? undefined;
}
