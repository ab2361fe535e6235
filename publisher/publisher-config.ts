import * as z from "zod";
import { edgeQueueEnvironment, publishingEnvironment, redisEnvironment } from "../kernel/env.ts";
import { redisSecretEnvironment } from "../kernel/redis/redis-secret.ts";

/** The settings of a publisher, by the names that they have in a function's environment. */
export const publisherEnvironment = z.object({
  ...redisEnvironment.shape,
  ...redisSecretEnvironment.shape,
  ...edgeQueueEnvironment.shape,
  ...publishingEnvironment.shape,
});

export type PublisherConfig = z.infer<typeof publisherEnvironment>;
