import { publish } from "../publish/publish.ts";
import { createDomainEventHandler } from "./domain-handler.ts";

export const handler = createDomainEventHandler("notifications", publish);
