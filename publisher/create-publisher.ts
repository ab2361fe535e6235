import { createLazyPublisher } from "./lazy-publisher.ts";
import { createDefaultLogger } from "./logger.ts";
import type { Publisher } from "./publisher.ts";
import { type PublisherOptions, parseOptions } from "./publisher-options.ts";
import { startPublisher } from "./start-publisher.ts";

/**
 * Creates a publisher for a service of its own, which connects to Redis with the first message. Create one and keep it;
 * in a Lambda function `publish()` does that.
 *
 * @throws ConfigurationError that lists every option that is missing or wrong.
 * @example
 * const publisher = createPublisher({ redis: "rediss://redis.example.com:6379" });
 * await publisher.publish({ channel: "market:trades", key: trade.marketId, eventId: trade.id, data: trade });
 * await publisher.close();
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const config = parseOptions(options);
  const logger = options.logger ?? createDefaultLogger();
  const functionName = options.metrics?.functionName;
  return createLazyPublisher(() => startPublisher(config, { logger, functionName }));
}
