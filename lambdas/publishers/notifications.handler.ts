import { Logger } from "@aws-lambda-powertools/logger";
import { createDomainEventHandler } from "./domain-handler.ts";
import { loggedPublish } from "./logged-publish.ts";
import { publish } from "./prepared-publish.ts";

const logger = new Logger({ serviceName: "notifications" });

export const handler = createDomainEventHandler("notifications", loggedPublish(logger, publish));
