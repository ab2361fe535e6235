import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../local/free-port.ts";
import type { Issuer } from "../../local/issuer.ts";
import { startRedis } from "../../local/redis.ts";
import { LoadClient } from "./load-client.ts";
import { type Measurement, type Parts, toMeasurement, usageOf } from "./measurement.ts";
import { type BenchMessage, nowMicros } from "./message.ts";
import { startServer } from "./server-process.ts";
import type { Contender, Sender, Surroundings } from "./servers/contender.ts";
import { SATURATION, type Traffic } from "./shapes.ts";
import { membersByRoom, type Topology } from "./topologies.ts";
import { runTraffic } from "./traffic.ts";

const SETTLE_MS = 300;
const WARM_UP: Traffic = { ...SATURATION, seconds: 1 };

export interface SessionOptions {
  readonly contender: Contender;
  readonly topology: Topology;
  readonly issuer: Issuer;
}

interface SessionParts {
  readonly topology: Topology;
  readonly pids: Parts;
  readonly client: LoadClient;
  readonly sender: Sender;
  /** Ends everything, and may be called twice. */
  readonly end: () => Promise<void>;
}

/** A server with its Redis, its clients and its publisher, on this machine, for as long as one run takes. */
export class Session {
  readonly client: LoadClient;
  readonly pids: Parts;
  readonly #topology: Topology;
  readonly #sender: Sender;
  readonly #end: () => Promise<void>;
  readonly #members: ReadonlyMap<string, number>;
  #saturatedRate = 0;
  #isSpoilt = false;

  private constructor({ topology, pids, client, sender, end }: SessionParts) {
    this.client = client;
    this.pids = pids;
    this.#topology = topology;
    this.#sender = sender;
    this.#end = end;
    this.#members = membersByRoom(topology);
  }

  /** Starts everything; no client is connected yet. */
  static async open({ contender, topology, issuer }: SessionOptions): Promise<Session> {
    const ends: (() => unknown)[] = [];
    const end = async (): Promise<void> => {
      for (const each of ends.splice(0).reverse()) await each();
    };
    try {
      const redis = await startRedis();
      ends.push(() => redis.stop());
      const surroundings = { port: await freePort(), redisPort: redis.port, issuer };
      const server = await startServer(await contender.launch(surroundings));
      ends.push(() => server.stop());
      const client = await LoadClient.start({
        port: surroundings.port,
        scripts: await scriptsOf(contender, topology, surroundings),
        maximumConnections: topology.clients,
      });
      ends.push(() => client.stop());
      const sender = await contender.openSender(surroundings);
      ends.push(() => sender.close());
      const pids = { server: server.pid, client: client.pid, redis: redis.process.pid ?? 0 };
      return new Session({ topology, pids, client, sender, end });
    } catch (error) {
      await end();
      throw error;
    }
  }

  /** Whether a measurement before left something undelivered, so that the next one would not be clean. */
  get isSpoilt(): boolean {
    return this.#isSpoilt;
  }

  close(): Promise<void> {
    return this.#end();
  }

  /**
   * Connects every client of the topology and warms the server up.
   *
   * @throws Error where one is refused.
   */
  async connect(): Promise<void> {
    const { ready } = await this.client.connect(this.#topology.clients);
    if (ready < this.#topology.clients) throw new Error(`${ready} of ${this.#topology.clients} clients connected`);
    await this.measure(WARM_UP);
  }

  async measure(traffic: Traffic): Promise<Measurement> {
    if (traffic.kind === "half" && this.#saturatedRate === 0) await this.measure(SATURATION);
    await delay(SETTLE_MS);
    const perEvent = this.#deliveriesOf(this.#event(0, traffic.perEvent, 0));
    let delivered = 0;
    let listener = (): void => undefined;
    await this.client.begin(perEvent, () => {
      delivered += 1;
      listener();
    });
    let failure: unknown;
    const startedAt = nowMicros();
    const before = usageOf(this.pids);
    const course = {
      send: (number: number, dueAt: number) => {
        this.#sender.send(this.#event(number, traffic.perEvent, dueAt)).catch((error) => {
          failure ??= error;
        });
      },
      delivered: () => delivered,
      onDelivered: (heard: () => void) => {
        listener = heard;
      },
      check: () => {
        if (failure) throw failure;
      },
    };
    const events = await runTraffic(traffic, course, this.#saturatedRate);
    const after = usageOf(this.pids);
    const report = await this.client.report();
    const result = toMeasurement({ parts: this.pids, startedAt, before, after, expected: events * perEvent, report });
    this.#isSpoilt ||= result.deliveries < result.expected;
    if (traffic === SATURATION) {
      this.#saturatedRate = (result.deliveriesPerSecond * traffic.perEvent) / perEvent;
    }
    return result;
  }

  /** The messages of event `number`: the rooms in turn, going on where the event before it ended. */
  #event(number: number, size: number, dueAt: number): BenchMessage[] {
    const { rooms, isPrivate } = this.#topology;
    return Array.from({ length: size }, (_, index) => {
      const room = rooms[(number * size + index) % rooms.length] ?? "";
      return { room, isPrivate, dueAt };
    });
  }

  #deliveriesOf(messages: readonly BenchMessage[]): number {
    return messages.reduce((sum, { room }) => sum + (this.#members.get(room) ?? 0), 0);
  }
}

/** The handshake of every client in turn; clients with the same rooms have the same. */
async function scriptsOf(
  contender: Contender,
  { clients, roomsOf, isPrivate }: Topology,
  surroundings: Surroundings,
): Promise<(readonly string[])[]> {
  const scripts = new Map<string, Promise<readonly string[]>>();
  const inTurn = Array.from({ length: clients }, (_, client) => {
    const rooms = roomsOf(client);
    const name = rooms.join();
    const script = scripts.get(name) ?? Promise.resolve(contender.handshake({ rooms, isPrivate }, surroundings));
    scripts.set(name, script);
    return script;
  });
  return Promise.all(inTurn);
}
