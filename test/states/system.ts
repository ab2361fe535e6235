import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect } from "vitest";
import type { ChannelUpdate } from "../../contract/domain-events.ts";
import type { Stream } from "../../contract/stream.ts";
import { createTokenVerifier } from "../../kernel/auth/token-verifier.ts";
import { authEnvironment, parseEnvironment } from "../../kernel/env.ts";
import { createEdgeQueue, type EdgeQueue } from "../../kernel/managed-edge/edge-queue.ts";
import { createPublisher, type Publisher } from "../../kernel/streams/publisher.ts";
import { type Fault, type InProcessGateway, startInProcess } from "../gateway/in-process.ts";
import { type Edge, startTestEdge } from "../support/edge.ts";
import { connectTestRedis, type TestRedis } from "../support/redis.ts";
import { edgePlace, gatewayPlace, type Place } from "./places.ts";
import { GATEWAYS } from "./steps.ts";

type PubSubMode = "lose" | "double" | "hold" | "pass on";

/** Loses, doubles or holds back what a gateway gets over Pub/Sub. What was held comes in the opposite order. */
export class PubSubFaults {
  readonly #held: (() => void)[] = [];
  #mode: PubSubMode = "pass on";

  readonly fault: Fault = (body, pass) => {
    if (this.#mode === "lose") return;
    if (this.#mode === "hold") this.#held.push(() => pass(body));
    else pass(body);
    if (this.#mode === "double") pass(body);
  };

  set(mode: PubSubMode): void {
    this.#mode = mode;
    if (mode === "hold") return;
    for (const pass of this.#held.splice(0).toReversed()) pass();
  }
}

/** Two gateways and the managed edge on one Redis, with publishers, in the process of the test. */
export class System {
  readonly edge: Edge;
  readonly gateways: readonly InProcessGateway[];
  readonly faults: readonly PubSubFaults[];
  readonly places: readonly Place[];
  readonly #publishers: readonly Publisher[];
  readonly #queue: EdgeQueue;
  #published = 0;
  #releaseEdge: (() => void) | undefined;

  constructor(edge: Edge, gateways: readonly InProcessGateway[], publishers: readonly Publisher[], queue: EdgeQueue) {
    this.edge = edge;
    this.gateways = gateways;
    this.#publishers = publishers;
    this.#queue = queue;
    this.faults = gateways.map((gateway) => {
      const faults = new PubSubFaults();
      gateway.pubSub.fault = faults.fault;
      return faults;
    });
    this.places = [...gateways.map((gateway) => gatewayPlace(gateway, this.sign)), edgePlace(edge)];
  }

  readonly sign = (user: string): Promise<string> => this.edge.issuer.sign({ sub: user });

  /** Publishes by one publisher and then by the other one, which finds its base outdated. Resolves with the id. */
  async publish(update: Omit<ChannelUpdate, "eventId">): Promise<string> {
    this.#published += 1;
    const publisher = this.#publishers[this.#published % 3 === 0 ? 1 : 0];
    const [outcome] = (await publisher?.publish([{ ...update, eventId: randomUUID() } as ChannelUpdate])) ?? [];
    if (outcome?.status !== "published") throw new Error(`not published: ${JSON.stringify(outcome)}`);
    return outcome.id;
  }

  /** Keeps hints from the fan-out: they are served in batches once it is released. */
  holdEdge(): void {
    if (this.#releaseEdge) return;
    const held: (() => void)[] = [];
    this.edge.faults.fanOut = async (event, run) => {
      await new Promise<void>((resolve) => held.push(resolve));
      return run(event);
    };
    this.#releaseEdge = () => {
      this.edge.faults.fanOut = (event, run) => run(event);
      for (const release of held) release();
    };
  }

  releaseEdge(): void {
    this.#releaseEdge?.();
    this.#releaseEdge = undefined;
  }

  /** Resolves once the fan-out has served all hints, unless they are kept from it. */
  async edgeIdle(): Promise<void> {
    if (!this.#releaseEdge) await expect.poll(() => this.edge.queue.size()).toBe(0);
  }

  /** Sends the fan-out one more hint of a stream. */
  hintAgain({ channel, key }: Stream): Promise<void> {
    return this.#queue([{ hint: { channel, key }, deduplicationId: randomUUID() }]);
  }

  failPost(): void {
    this.edge.faults.post = () => {
      this.edge.faults.post = () => undefined;
      return "throttled";
    };
  }

  /** Ends the faults, and does what a gateway does in rounds: a lost last message has no other that shows it. */
  async rest(): Promise<void> {
    this.releaseEdge();
    this.edge.faults.post = () => undefined;
    for (const faults of this.faults) faults.set("pass on");
    await Promise.all(this.gateways.map(({ hub }) => hub.repairAll()));
  }
}

/** Starts the system before the tests of a file, and stops it after them. */
export async function startSystem(): Promise<() => System> {
  const edge = await startTestEdge();
  let system: System | undefined;
  let redis: TestRedis | undefined;
  const gateways: InProcessGateway[] = [];
  beforeAll(async () => {
    redis = connectTestRedis({ RT_REDIS_URL: edge.redis.url });
    const verifyToken = createTokenVerifier(parseEnvironment(authEnvironment, edge.issuer.env));
    while (gateways.length < GATEWAYS) gateways.push(await startInProcess(redis, { wholeValueRate: 50, verifyToken }));
    const queue = await createEdgeQueue(edge.queue.environment.RT_EDGE_QUEUE_URL);
    const other = redis.addPublisherConnection();
    system = new System(edge, gateways, [edge.publisher, createPublisher(other, { enqueueHints: queue })], queue);
  });
  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await redis?.stop();
  });
  return () => {
    if (!system) throw new Error("the system is started before the tests: use it within one");
    return system;
  };
}
