import {
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  type TargetHealthDescription,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import * as z from "zod";
import { asError } from "../kernel/as-error.ts";
import { boundedRequests, requestSignal } from "../kernel/aws/bounded-requests.ts";

/** Shortest time between two polls, in ms. */
const POLL_MS = 3_000;

/**
 * Time between the polls of one task, in ms for each target in the group: together all tasks make 2.5 calls a second, a
 * quarter of what Elastic Load Balancing gives all callers of an account. infra/constructs/support/gateway-settings.ts
 * makes the deregistration delay longer than this.
 */
const POLL_MS_PER_TARGET = 400;

/** The longest pause after failures, as a multiple of the one without: the deregistration delay has room for one of 12 s. */
const MAXIMUM_BACKOFF = 4;

/** Longest wait for the task metadata, in ms. */
const METADATA_TIMEOUT_MS = 2_000;

const containerMetadata = z.object({
  Networks: z.tuple([z.object({ IPv4Addresses: z.tuple([z.string()]).rest(z.string()) })]).rest(z.unknown()),
});

/** Returns the address under which ECS registers this task, from the container metadata. */
async function readOwnAddress(metadataUri: string): Promise<string> {
  const response = await fetch(metadataUri, { signal: AbortSignal.timeout(METADATA_TIMEOUT_MS) });
  const [network] = containerMetadata.parse(await response.json()).Networks;
  return network.IPv4Addresses[0];
}

export interface TargetHealthOptions {
  /** The target group; its region is that of the calls. */
  readonly targetGroupArn: string;
  /** The value of `ECS_CONTAINER_METADATA_URI_V4`. */
  readonly metadataUri: string;
  /** The port under which this task is registered. */
  readonly port: number;
  /** Called when the load balancer has begun to deregister this task. */
  readonly onDraining: () => void;
  /** Called when this task is a target again after that. */
  readonly onRegistered: () => void;
  /** Called when a poll failed and the one before did not. */
  readonly onError: (error: Error) => void;
}

/** Polls the health of this task's target. */
class TargetHealth {
  readonly #options: TargetHealthOptions;
  readonly #client: ElasticLoadBalancingV2Client;
  #address: string | undefined;
  #isDraining = false;
  #pauseMs = POLL_MS;
  /** What the pause is multiplied with, after failures. */
  #backoff = 1;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: TargetHealthOptions) {
    this.#options = options;
    const region = options.targetGroupArn.split(":")[3] ?? "";
    this.#client = new ElasticLoadBalancingV2Client({ region, ...boundedRequests({ attempts: 1 }) });
  }

  async run(): Promise<void> {
    try {
      this.#take(await this.#poll());
      this.#backoff = 1;
    } catch (error) {
      if (this.#backoff === 1) this.#options.onError(asError(error));
      this.#backoff = Math.min(MAXIMUM_BACKOFF, 2 * this.#backoff);
    }
    if (this.#isStopped) return;
    // Spread, so that tasks that were started together do not poll together.
    this.#timer = setTimeout(() => void this.run(), this.#pauseMs * this.#backoff * (0.75 + Math.random() / 2));
    this.#timer.unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#client.destroy();
  }

  /** Asks for all targets: their number says how often each task may poll. */
  async #poll(): Promise<readonly TargetHealthDescription[]> {
    const { targetGroupArn, metadataUri } = this.#options;
    this.#address ??= await readOwnAddress(metadataUri);
    const command = new DescribeTargetHealthCommand({ TargetGroupArn: targetGroupArn });
    return (await this.#client.send(command, requestSignal())).TargetHealthDescriptions ?? [];
  }

  #take(targets: readonly TargetHealthDescription[]): void {
    const { port, onDraining, onRegistered } = this.#options;
    this.#pauseMs = Math.max(POLL_MS, targets.length * POLL_MS_PER_TARGET);
    const own = targets.find(({ Target }) => Target?.Id === this.#address && Target?.Port === port);
    // A task that is not in the answer is not registered yet, or no longer: neither is a reason to move clients.
    const state = own?.TargetHealth?.State;
    if (state === undefined) return;
    const wasDraining = this.#isDraining;
    this.#isDraining = state === "draining";
    if (this.#isDraining && !wasDraining) onDraining();
    if (!this.#isDraining && wasDraining) onRegistered();
  }
}

/**
 * Watches for the deregistration of this task. ECS deregisters a task first and sends SIGTERM only after the whole
 * deregistration delay, when the load balancer has cut the connections that were left; nothing inside the task shows it.
 * See docs/decisions/12-drain-at-deregistration.md.
 */
export function watchTargetHealth(options: TargetHealthOptions): { stop(): void } {
  const health = new TargetHealth(options);
  void health.run();
  return health;
}
