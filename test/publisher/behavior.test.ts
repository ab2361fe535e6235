import { startRedis } from "../../local/redis.ts";
import { startRedisCluster } from "../../local/redis-cluster.ts";
import { createPublisher, type Publisher, type RedisConnectionOptions } from "../../publisher/index.ts";
import { createFakePublisher } from "../../publisher/testing.ts";
import { describePublisher, type SuiteSubject } from "./publisher-suite.ts";

function startReal(redis: RedisConnectionOptions, stopRedis: () => Promise<void>): SuiteSubject {
  const opened: Publisher[] = [];
  const openAnother = (): Publisher => {
    const publisher = createPublisher({ redis, logger: { warn: () => undefined } });
    opened.push(publisher);
    return publisher;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(opened.map((publisher) => publisher.close()));
    await stopRedis();
  };
  return { publisher: openAnother(), openAnother, stop };
}

describePublisher("createPublisher(), on a single Redis", async () => {
  const redis = await startRedis();
  return startReal({ host: "127.0.0.1", port: redis.port }, () => redis.stop());
});

describePublisher("createPublisher(), on a three-node cluster", async () => {
  const cluster = await startRedisCluster();
  return startReal({ url: String(cluster.urls[0]), cluster: true }, () => cluster.stop());
});

describePublisher("createFakePublisher()", async () => ({
  publisher: createFakePublisher(),
  openAnother: () => createFakePublisher(),
  stop: async () => undefined,
}));
