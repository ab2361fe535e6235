import { messageOf } from "../kernel/as-error.ts";
import type { Balancer } from "./balancer.ts";
import { type GatewayProcess, startGateway } from "./gateway.ts";

/** Ways to end a gateway: as a deployment does, or as a crash. */
export type Departure = "drain" | "kill";

/** One place of the fleet, whichever process fills it at the moment. */
export interface GatewayState {
  /** `gateway-1`, `gateway-2`, … */
  readonly name: string;
  readonly state: "ready" | "draining" | "starting";
  /** Open client connections. */
  readonly connections: number;
  /** Number of times that the gateway was replaced. */
  readonly restarts: number;
}

interface Place {
  readonly name: string;
  process: GatewayProcess | undefined;
  state: GatewayState["state"];
  restarts: number;
}

interface FleetOptions {
  /** Variables of each gateway's environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly balancer: Balancer;
  readonly onNotice: (text: string) => void;
}

/** Keeps a number of gateways running, as ECS does: where one ends, for whatever reason, another replaces it. */
export class GatewayFleet {
  readonly #options: FleetOptions;
  readonly #places: Place[] = [];
  #isStopping = false;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** The processes that run now. */
  get gateways(): readonly GatewayProcess[] {
    return this.#places.flatMap(({ process }) => process ?? []);
  }

  /** Resolves once that many are ready. Rejects with the log of one that does not start. */
  async start(count: number): Promise<void> {
    for (let number = 1; number <= count; number += 1) {
      this.#places.push({ name: `gateway-${number}`, process: undefined, state: "starting", restarts: 0 });
    }
    await Promise.all(this.#places.map((place) => this.#fill(place)));
  }

  describe(): Promise<GatewayState[]> {
    return Promise.all(
      this.#places.map(async ({ name, process, state, restarts }) => {
        // A process that is about to end need not answer any more.
        const connections = (await process?.metric("rt_connections").catch(() => 0)) ?? 0;
        return { name, state, connections, restarts };
      }),
    );
  }

  /**
   * Ends a gateway; the fleet replaces it. Resolves once the process has ended. False: there is
   * none of that name, or it is leaving already.
   */
  async restart(name: string, departure: Departure): Promise<boolean> {
    const place = this.#places.find((candidate) => candidate.name === name);
    if (!place?.process || place.state !== "ready") return false;
    if (departure === "drain") {
      place.state = "draining";
      this.#options.balancer.removeTarget(place.process.url);
    }
    await place.process.stop(departure === "drain" ? "SIGTERM" : "SIGKILL");
    return true;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.gateways.map((gateway) => gateway.stop()));
  }

  async #fill(place: Place): Promise<void> {
    const { environment, balancer } = this.#options;
    const gateway = await startGateway(environment);
    if (this.#isStopping) {
      await gateway.stop();
      return;
    }
    place.process = gateway;
    gateway.process.once("exit", () => this.#replace(place, gateway));
    await balancer.addTarget(gateway.url);
    place.state = "ready";
  }

  #replace(place: Place, { url }: GatewayProcess): void {
    const { balancer, onNotice } = this.#options;
    balancer.removeTarget(url);
    if (this.#isStopping) return;
    if (place.state === "ready") onNotice(`${place.name} has ended; another takes its place`);
    place.process = undefined;
    place.state = "starting";
    place.restarts += 1;
    this.#fill(place).catch((error: unknown) => onNotice(`${place.name} cannot start again: ${messageOf(error)}`));
  }
}
