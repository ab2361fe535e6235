import { Fleet } from "./fleet.ts";
import { Scaler } from "./scaler.ts";
import type { ScalingRules } from "./scaling-rules.ts";
import type { Scenario } from "./scenarios.ts";

const TICK_SECONDS = 5;

/** Mean time between two attempts of a client that was refused, in seconds: backoff of 1 to 30 s. */
const RETRY_SECONDS = 10;

/** Measured on one vCPU (docs/performance.md): handshakes a second, and CPU of one delivery in seconds. */
const HANDSHAKES_PER_SECOND = 3_400;
const DELIVERY_SECONDS = 8.2e-6;

/** Messages a second that a client gets. */
const MESSAGES_PER_SECOND = 5;

/** List prices of Fargate on ARM in us-east-1, in $ a month of 730 hours. */
const VCPU_MONTH = 23.64;
const GIB_MONTH = 2.6;
const MONTH_HOURS = 730;

/** What a load did to clients, and what the tasks cost. */
export interface Outcome {
  readonly scenario: string;
  /** Attempts to connect that were refused since every task was full. */
  readonly refused: number;
  /** The most clients without a connection at a time. */
  readonly waitingAtWorst: number;
  /** Minutes in which a client was refused. */
  readonly minutesOfRefusals: number;
  /** Connections moved because their task was stopped to save money. */
  readonly moved: number;
  readonly mostTasks: number;
  /** The most connections of a task over its places, on average over the tasks that ran. */
  readonly fullestShare: number;
  readonly dollars: number;
}

/** A fleet under a load, in steps of some seconds. */
class Simulation {
  readonly #rules: ScalingRules;
  readonly #scenario: Scenario;
  readonly #fleet: Fleet;
  readonly #scaler: Scaler;
  #waiting = 0;
  /** Connections of stopped tasks that still have to move. */
  #draining = 0;
  #refused = 0;
  #waitingAtWorst = 0;
  #moved = 0;
  #mostTasks = 0;
  #fullest = 0;
  #taskSeconds = 0;
  #handshakes = 0;
  readonly #minutesOfRefusals = new Set<number>();

  constructor(rules: ScalingRules, scenario: Scenario) {
    this.#rules = rules;
    this.#scenario = scenario;
    const clients = Math.round(scenario.clients(0));
    const target = Math.min(
      ...rules.targets.flatMap(({ metric, target }) => (metric === "connections" ? [target] : [])),
    );
    this.#scaler = new Scaler(rules, Math.ceil(clients / target));
    const { zones, maxConnections } = rules;
    this.#fleet = new Fleet({ zones, maxConnections, tasks: this.#scaler.desired });
    this.#fleet.connect(clients, 0);
  }

  run(): Outcome {
    for (let second = 0; second < this.#scenario.seconds; second += TICK_SECONDS) this.#tick(second);
    const { cpuUnits, memoryMib } = this.#rules;
    const monthly = (cpuUnits / 1_024) * VCPU_MONTH + (memoryMib / 1_024) * GIB_MONTH;
    return {
      scenario: this.#scenario.name,
      refused: Math.round(this.#refused),
      waitingAtWorst: Math.round(this.#waitingAtWorst),
      minutesOfRefusals: this.#minutesOfRefusals.size,
      moved: this.#moved,
      mostTasks: this.#mostTasks,
      fullestShare: this.#fullest,
      dollars: (this.#taskSeconds / 3_600 / MONTH_HOURS) * monthly,
    };
  }

  #tick(second: number): void {
    if (this.#scenario.zoneLostAt === second) this.#waiting += this.#fleet.loseZone(0);
    const moved = this.#fleet.resize(this.#scaler.desired, second);
    this.#moved += moved;
    this.#draining += moved;
    this.#followDemand(second);
    this.#connect(second);
    this.#taskSeconds += this.#fleet.size * TICK_SECONDS;
    this.#mostTasks = Math.max(this.#mostTasks, this.#fleet.size);
    if (second % 60 === 0 && second > 0) this.#observe(second);
  }

  #followDemand(second: number): void {
    const wanted = Math.round(this.#scenario.clients(second));
    const difference = wanted - (this.#fleet.connections + this.#waiting + this.#draining);
    if (difference < 0) this.#fleet.close(-difference);
    // A new client tries at once.
    else this.#attempt(difference, second);
  }

  #connect(second: number): void {
    const released = Math.min(this.#draining, Math.ceil((this.#draining * TICK_SECONDS) / this.#rules.drainSeconds));
    this.#draining -= released;
    const retrying = Math.ceil(this.#waiting * (1 - Math.exp(-TICK_SECONDS / RETRY_SECONDS)));
    this.#waiting -= retrying;
    this.#attempt(released + retrying, second);
    this.#waitingAtWorst = Math.max(this.#waitingAtWorst, this.#waiting);
  }

  #attempt(count: number, second: number): void {
    const ready = this.#fleet.ready(second);
    const accepted = Math.min(count, ready * HANDSHAKES_PER_SECOND * TICK_SECONDS);
    const refused = this.#fleet.connect(accepted, second);
    this.#handshakes += accepted - refused;
    this.#waiting += count - accepted + refused;
    this.#refused += refused;
    if (refused > 0) this.#minutesOfRefusals.add(Math.floor(second / 60));
  }

  #observe(second: number): void {
    const ready = Math.max(1, this.#fleet.ready(second));
    const connections = this.#fleet.connections / ready;
    const handshakes = this.#handshakes / 60 / ready;
    this.#handshakes = 0;
    const busy = connections * MESSAGES_PER_SECOND * DELIVERY_SECONDS + handshakes / HANDSHAKES_PER_SECOND;
    this.#fullest = Math.max(this.#fullest, connections / this.#rules.maxConnections);
    this.#scaler.observe({ connections, cpu: Math.min(100, (busy * 100 * 1_024) / this.#rules.cpuUnits) }, second);
  }
}

/** Runs a load against the rules of a template. */
export const simulate = (rules: ScalingRules, scenario: Scenario): Outcome => new Simulation(rules, scenario).run();
