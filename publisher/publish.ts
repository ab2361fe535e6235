import * as z from "zod";
import { ConfigurationError, parseEnvironment } from "../kernel/env.ts";
import { createLazyPublisher } from "./lazy-publisher.ts";
import { createDefaultLogger } from "./logger.ts";
import type { Publish } from "./publisher.ts";
import { publisherEnvironment } from "./publisher-config.ts";
import { startPublisher } from "./start-publisher.ts";

const environment = publisherEnvironment.extend({
  /** Set by Lambda. */
  AWS_LAMBDA_FUNCTION_NAME: z.string().min(1).default("none"),
});

function readConfig(): z.infer<typeof environment> {
  try {
    return parseEnvironment(environment, process.env);
  } catch (cause) {
    if (!(cause instanceof ConfigurationError)) throw cause;
    throw new ConfigurationError(`publish(): ${cause.message}`, { cause });
  }
}

const publisher = createLazyPublisher(async () => {
  const { AWS_LAMBDA_FUNCTION_NAME: functionName, ...config } = readConfig();
  return startPublisher(config, { logger: createDefaultLogger(), functionName });
});

/**
 * Publishes one message or several to their channels, from a Lambda function: its environment has the settings, which are
 * read with the first call. Await it before the handler returns. Messages of one stream go out in the given order.
 *
 * The connection to Redis is kept for the life of the execution environment, across invocations. A script or service that
 * has to end on its own uses `createPublisher()` and its `close()`.
 *
 * @throws PublishError where a message could not be published. Let it end the invocation: the event source's retry
 *   publishes again under the same event ids, and what is out already is not sent twice.
 * @throws ConfigurationError that names the variables that are missing or wrong, and RedisSecretError where the Redis
 *   password cannot be read. The next call tries again.
 * @example
 * import { publish } from "@vezta/realtime-publisher";
 *
 * await publish({ channel: "user:notifications", key: userId, eventId: event.id, data: notification });
 */
export const publish: Publish = publisher.publish;

/**
 * Reads the environment and the Redis password ahead of the first `publish()`. Awaited at the top of an ES module, it
 * moves that out of the first invocation and into Lambda's start of the function.
 *
 * @throws ConfigurationError or RedisSecretError, as `publish()` does.
 */
export const preparePublish: () => Promise<void> = publisher.prepare;
