import { Logger } from "@aws-lambda-powertools/logger";
import { withFailureQueue } from "../../publisher/failure-queue.ts";
import { createDomainEventHandler } from "./domain-handler.ts";
import { loggedPublish } from "./logged-publish.ts";
import { publish, tracer } from "./prepared-publish.ts";

const logger = new Logger({ serviceName: "signals" });

export const handler = withFailureQueue(createDomainEventHandler("signals", loggedPublish(logger, publish), tracer));
