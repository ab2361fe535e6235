import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** The states of a target that Elastic Load Balancing documents and this one has. */
export type TargetState = "initial" | "healthy" | "unhealthy" | "draining";

/** How targets are checked, as a target group of the template has it. */
export interface HealthCheck {
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
}

export interface Target {
  readonly port: number;
  state: TargetState;
  readonly sockets: Set<Socket>;
}

interface Registered extends Target {
  /** Checks in a row with the same result. */
  passed: number;
  failed: number;
  timer: NodeJS.Timeout | undefined;
}

export interface LoadBalancerOptions {
  readonly healthCheck: HealthCheck;
  readonly deregistrationDelayMs: number;
}

/** Joins two sockets, until one of them closes. */
function join(incoming: Socket, outgoing: Socket): void {
  for (const [from, to] of [
    [incoming, outgoing],
    [outgoing, incoming],
  ] as const) {
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
  }
}

/**
 * A load balancer that follows what AWS documents of an Application Load Balancer, for WebSockets: new connections go to
 * the healthy target with the fewest; one that is deregistered is `draining`, gets no new connection, and keeps those it
 * has until the deregistration delay ends, when they are cut; without connections the deregistration ends at once.
 */
export class LoadBalancer {
  readonly #options: LoadBalancerOptions;
  readonly #server: Server;
  readonly #targets = new Map<number, Registered>();
  /** When each connection of a client came, in ms since 1970. */
  readonly accepted: number[] = [];

  private constructor(options: LoadBalancerOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true, pauseOnConnect: true }, (incoming) => this.#admit(incoming));
  }

  static async open(options: LoadBalancerOptions): Promise<LoadBalancer> {
    const balancer = new LoadBalancer(options);
    balancer.#server.listen(0, "127.0.0.1", 4_096);
    await once(balancer.#server, "listening");
    return balancer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get targets(): readonly Target[] {
    return [...this.#targets.values()];
  }

  stateOf(port: number): TargetState | undefined {
    return this.#targets.get(port)?.state;
  }

  register(port: number): void {
    const target: Registered = { port, state: "initial", sockets: new Set(), passed: 0, failed: 0, timer: undefined };
    this.#targets.set(port, target);
    void this.#check(target);
  }

  /** Deregisters a target. Resolves once it is no longer one, with the number of connections that were cut. */
  async deregister(port: number): Promise<number> {
    const target = this.#targets.get(port);
    if (!target) return 0;
    clearTimeout(target.timer);
    target.state = "draining";
    const end = Date.now() + this.#options.deregistrationDelayMs;
    while (Date.now() < end && target.sockets.size > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    this.#targets.delete(port);
    const cut = target.sockets.size;
    for (const socket of target.sockets) socket.destroy();
    return cut;
  }

  async close(): Promise<void> {
    for (const { sockets, timer } of this.#targets.values()) {
      clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
    }
    this.#targets.clear();
    this.#server.close();
    await once(this.#server, "close");
  }

  #admit(incoming: Socket): void {
    this.accepted.push(Date.now());
    incoming.on("error", () => undefined);
    const healthy = [...this.#targets.values()].filter(({ state }) => state === "healthy");
    const target = healthy.sort((a, b) => a.sockets.size - b.sockets.size)[0];
    if (!target) {
      incoming.destroy();
      return;
    }
    target.sockets.add(incoming);
    incoming.on("close", () => target.sockets.delete(incoming));
    const outgoing = connect({ port: target.port, host: "127.0.0.1", noDelay: true });
    join(incoming, outgoing);
  }

  async #check(target: Registered): Promise<void> {
    const { path, intervalMs, timeoutMs, healthyThreshold, unhealthyThreshold } = this.#options.healthCheck;
    const url = `http://127.0.0.1:${target.port}${path}`;
    const isFine = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) }).then(
      ({ status }) => status === 200,
      () => false,
    );
    if (this.#targets.get(target.port) !== target || target.state === "draining") return;
    target.passed = isFine ? target.passed + 1 : 0;
    target.failed = isFine ? 0 : target.failed + 1;
    // The first check decides for a new target; after that it takes as many as the threshold says.
    if (isFine && (target.state === "initial" || target.passed >= healthyThreshold)) target.state = "healthy";
    if (!isFine && target.failed >= unhealthyThreshold) target.state = "unhealthy";
    target.timer = setTimeout(() => void this.#check(target), intervalMs);
  }
}
