import type { Cluster, Redis } from "ioredis";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { createPublisher, type Publisher } from "../../kernel/streams/publisher.ts";
import { type GatewayProcess, startGateway } from "../../local/gateway.ts";
import { createIssuer, type Issuer } from "../../local/issuer.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { type ClientOptions, connectClient, type TestClient } from "./client.ts";

/** Redis, gateways and a publisher, all real. */
export interface Platform {
  readonly redis: RunningRedis;
  /** A connection to Redis for looking and meddling. */
  readonly commands: Redis | Cluster;
  readonly gateways: readonly GatewayProcess[];
  readonly issuer: Issuer;
  readonly publisher: Publisher;
  /** Starts one more gateway, with changes to its environment. */
  addGateway(environment?: Readonly<Record<string, string>>): Promise<GatewayProcess>;
  /** Publishes and returns the entry ids; fails where one is not published. */
  publish(messages: readonly ChannelMessage[]): Promise<string[]>;
  /** Connects a client to the gateway of that number; `user` gets a token. Closed with the platform. */
  connect(options?: ClientOptions & { readonly gateway?: number; readonly user?: string }): Promise<TestClient>;
  stop(): Promise<void>;
}

export interface PlatformOptions {
  /** Number of gateways. Default 2. */
  readonly gateways?: number;
  /** Added to every gateway's environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

export async function startPlatform(options: PlatformOptions = {}): Promise<Platform> {
  const redis = await startRedis();
  const issuer = await createIssuer();
  const environment = { ...issuer.env, RT_REDIS_URL: redis.url, ...options.environment };
  const gateways: GatewayProcess[] = [];
  const clients: TestClient[] = [];
  const addGateway: Platform["addGateway"] = async (more = {}) => {
    const gateway = await startGateway({ ...environment, ...more });
    gateways.push(gateway);
    return gateway;
  };
  await Promise.all(Array.from({ length: options.gateways ?? 2 }, () => addGateway()));
  // Errors reach the caller of every command as well.
  const commands = connectPublisher(parseEnvironment(redisEnvironment, { RT_REDIS_URL: redis.url }), () => undefined);
  const publisher = createPublisher(commands);
  return {
    redis,
    commands,
    gateways,
    issuer,
    publisher,
    addGateway,
    async publish(messages) {
      const outcomes = await publisher.publish(messages);
      return outcomes.map((outcome) => {
        if (outcome.status !== "published") throw new Error(`a message was not published: ${outcome.status}`);
        return outcome.id;
      });
    },
    async connect({ gateway = 0, user, ...more } = {}) {
      const target = gateways[gateway];
      if (!target) throw new Error(`there is no gateway ${gateway}`);
      const token = user === undefined ? more.token : await issuer.sign({ sub: user });
      const client = await connectClient(target.url, { ...more, token });
      clients.push(client);
      return client;
    },
    async stop() {
      for (const client of clients) client.close();
      await Promise.all(gateways.map((gateway) => gateway.stop("SIGKILL")));
      commands.disconnect();
      await redis.stop();
    },
  };
}
