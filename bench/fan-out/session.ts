import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../local/free-port.ts";
import type { Issuer } from "../../local/issuer.ts";
import { startRedis } from "../../local/redis.ts";
import { type Application, startApplication } from "./application.ts";
import { type EventOf, inTurn } from "./events.ts";
import { collectGarbage } from "./garbage.ts";
import { LoadClient } from "./load-client.ts";
import { type Measurement, type Parts, type PartsUsage, toMeasurement, usageOf } from "./measurement.ts";
import { type BenchMessage, type Carried, isState, nowMicros } from "./message.ts";
import { residentBytes } from "./process-usage.ts";
import { RedisOutput } from "./redis-output.ts";
import { scriptsOf } from "./scripts.ts";
import { type ServerProcess, startServer } from "./server-process.ts";
import type { Contender, Sender } from "./servers/contender.ts";
import { SATURATION, type Traffic } from "./shapes.ts";
import { membersByRoom, type Topology } from "./topologies.ts";
import { Course, runTraffic } from "./traffic.ts";

const SETTLE_MS = 150;
const WARM_UP: Traffic = { ...SATURATION, seconds: 0.8 };

/** Least time for which books or portfolios go out before they are measured, and messages that each room gets at least. */
const STATE_WARM_UP_SECONDS = 1;
const STATE_WARM_UP_MESSAGES = 2;

/** Warm-up before mixed traffic: first values of all streams, and some of the traffic itself. */
const MIXED_WARM_UP_SECONDS = 4;

export interface SessionOptions {
  readonly contender: Contender;
  readonly topology: Topology;
  readonly issuer: Issuer;
}

interface SessionParts {
  readonly topology: Topology;
  readonly skipsOlder: boolean;
  readonly server: ServerProcess;
  readonly redisPid: number;
  readonly redisOutput: RedisOutput;
  readonly client: LoadClient;
  readonly application: Application | undefined;
  readonly sender: Sender;
  readonly end: () => Promise<void>;
}

/** A server with its Redis, its clients and its publisher, on this machine, for as long as one run takes. */
export class Session {
  readonly client: LoadClient;
  readonly pids: Parts;
  readonly #topology: Topology;
  readonly #skipsOlder: boolean;
  readonly #redisOutput: RedisOutput;
  readonly #server: ServerProcess;
  readonly #sender: Sender;
  readonly #end: () => Promise<void>;
  /** Number of clients of each room that read what they get. */
  readonly #readers: Map<string, number>;
  #saturatedRate = 0;
  #isSpoilt = false;

  private constructor(parts: SessionParts) {
    const { topology, skipsOlder, server, redisPid, redisOutput, client, application, sender, end } = parts;
    this.client = client;
    this.pids = { server: server.pid, client: client.pid, redis: redisPid, application: application?.pid };
    this.#topology = topology;
    this.#skipsOlder = skipsOlder;
    this.#redisOutput = redisOutput;
    this.#server = server;
    this.#sender = sender;
    this.#end = end;
    this.#readers = membersByRoom(topology);
  }

  /**
   * Starts everything; no client is connected yet.
   *
   * @param onStarted hears at once of what ends all that has been started so far, for whoever has to leave early.
   */
  static async open(
    { contender, topology, issuer }: SessionOptions,
    onStarted: (end: () => Promise<void>) => void,
  ): Promise<Session> {
    const ends: (() => unknown)[] = [];
    const end = async (): Promise<void> => {
      for (const each of ends.splice(0).reverse()) await each();
    };
    onStarted(end);
    try {
      const redis = await startRedis();
      ends.push(() => redis.stop());
      const surroundings = { port: await freePort(), redisPort: redis.port, issuer };
      const server = await startServer(await contender.launch(surroundings));
      ends.push(() => server.stop());
      const { port } = surroundings;
      const scripts = await scriptsOf(contender, topology, surroundings);
      const client = await LoadClient.start({ port, scripts, maximumConnections: topology.clients });
      ends.push(() => client.stop());
      const [script] = topology.events ? scripts : [];
      const application = script && (await startApplication(contender.application ?? "socket.io", port, script));
      ends.push(() => application?.stop());
      const sender = await contender.openSender(surroundings);
      ends.push(() => sender.close());
      const redisOutput = new RedisOutput(redis.port);
      ends.push(() => redisOutput.close());
      const { skipsOlder = false } = contender;
      const redisPid = redis.process.pid ?? 0;
      return new Session({ topology, skipsOlder, server, redisPid, redisOutput, client, application, sender, end });
    } catch (error) {
      await end();
      throw error;
    }
  }

  /** True if an earlier measurement left something undelivered, so that the next one would not be clean. */
  get isSpoilt(): boolean {
    return this.#isSpoilt;
  }

  /** The server's output so far. */
  get log(): string {
    return this.#server.log();
  }

  close(): Promise<void> {
    return this.#end();
  }

  usage(): PartsUsage {
    return usageOf(this.pids);
  }

  collectGarbage(): Promise<void> {
    return collectGarbage(this.#server);
  }

  /**
   * Connects more clients of the topology and resolves with the time it took, in microseconds.
   *
   * @param window handshakes that are under way at a time.
   * @throws Error where the server refused one.
   */
  async connect(clients: number, window?: number): Promise<number> {
    const { micros, closed } = await this.client.connect(clients, window);
    if (closed > 0) throw new Error(`the server closed ${closed} connections`);
    return micros;
  }

  /** Connects every client and warms the server up; with books, portfolios and mixed traffic, `measure` does that. */
  async prepare(): Promise<void> {
    await this.connect(this.#topology.clients);
    if (!this.#topology.events && !isState(this.#carriedBy(WARM_UP))) await this.#run(WARM_UP);
  }

  /** The first clients read no more, for good. */
  async stall(clients: number): Promise<void> {
    await this.client.stall(clients);
    for (let client = 0; client < clients; client += 1) {
      for (const room of this.#topology.roomsOf(client)) this.#readers.set(room, (this.#readers.get(room) ?? 0) - 1);
    }
  }

  /** Sends the traffic and measures until all of it is delivered, or it has waited long enough. */
  async measure(traffic: Traffic): Promise<Measurement> {
    if (traffic.kind === "mixed") await this.#run({ ...traffic, seconds: MIXED_WARM_UP_SECONDS }, true);
    else if (isState(this.#carriedBy(traffic))) {
      await this.#run({ ...traffic, seconds: this.#warmUpSeconds(traffic) });
    }
    if (traffic.kind === "half" && this.#saturatedRate === 0) await this.#run(SATURATION);
    return this.#run(traffic);
  }

  async #run(traffic: Traffic, isWarmUp = false): Promise<Measurement> {
    await delay(SETTLE_MS);
    const skipsOlder = this.#skipsOlder && (traffic.kind === "mixed" || isState(this.#carriedBy(traffic)));
    const { eventOf, step } = this.#eventsOf(traffic, isWarmUp);
    const sent = { messages: 0, expected: 0, forApplication: 0 };
    const course = new Course((number, dueAt) => {
      const event = eventOf(number, dueAt);
      sent.messages += event.length;
      sent.expected += this.#deliveriesOf(event);
      sent.forApplication += this.#countForApplication(event);
      return this.#sender.send(event);
    });
    await this.client.begin(step, () => course.onDelivered());
    await this.#redisOutput.begin();
    const startedAt = nowMicros();
    const before = this.usage();
    const mixed = traffic.kind === "mixed" ? { expectedSteps: () => Math.floor(sent.expected / step) } : {};
    await runTraffic(traffic, course, { saturatedRate: this.#saturatedRate, skipsOlder, ...mixed });
    const after = this.usage();
    const rssBytes = residentBytes(this.pids.server);
    const [report, redisBytes] = [await this.client.report(), await this.#redisOutput.end()];
    const result = toMeasurement({ startedAt, before, after, ...sent, skipsOlder, report, rssBytes, redisBytes });
    this.#isSpoilt ||= result.deliveries < result.expected;
    if (traffic === SATURATION) {
      this.#saturatedRate = ((result.values.deliveriesPerSecond ?? 0) * traffic.perEvent) / step;
    }
    return result;
  }

  /** The events of some traffic, and the number of deliveries that are counted as one step. */
  #eventsOf(traffic: Traffic, isWarmUp: boolean): { readonly eventOf: EventOf; readonly step: number } {
    const { events, clients, rooms } = this.#topology;
    if (traffic.kind !== "mixed") {
      const eventOf = inTurn(rooms, traffic.perEvent, this.#carriedBy(traffic));
      return { eventOf, step: this.#deliveriesOf(eventOf(0, 0)) };
    }
    if (!events) throw new RangeError("a topology without events of its own has no mixed traffic");
    return { eventOf: events(isWarmUp), step: clients };
  }

  /** The first message of a room is a whole value, which is not what is measured. */
  #warmUpSeconds(traffic: Traffic): number {
    if (traffic.kind !== "open") return STATE_WARM_UP_SECONDS;
    const perSecond = traffic.perEvent * traffic.eventsPerSecond;
    return Math.max(STATE_WARM_UP_SECONDS, (STATE_WARM_UP_MESSAGES * this.#topology.rooms.length) / perSecond);
  }

  #carriedBy(traffic: Traffic): Carried {
    const [first = "trade"] = this.#topology.carries;
    return (traffic.kind === "open" ? traffic.carries : undefined) ?? first;
  }

  /** The application's client has the rooms of the first one. */
  #countForApplication(messages: readonly BenchMessage[]): number {
    if (this.pids.application === undefined) return 0;
    const own = this.#topology.roomsOf(0);
    return messages.filter(({ rooms }) => rooms.some((room) => own.includes(room))).length;
  }

  #deliveriesOf(messages: readonly BenchMessage[]): number {
    return messages.flatMap(({ rooms }) => rooms).reduce((sum, room) => sum + (this.#readers.get(room) ?? 0), 0);
  }
}
