import pTimeout from "p-timeout";
import { ChannelError } from "../../contract/errors.ts";
import type { SubscribeRequest } from "../../contract/messages.ts";
import type { Identity } from "../../kernel/auth/token-verifier.ts";
import type { TopicLease } from "../streams/stream-hub.ts";
import type { CatchUp } from "./catch-up.ts";

/** Time limit of a request's wait for Redis, in ms; after it, the request is refused as `unavailable`. */
const REDIS_TIMEOUT_MS = 5_000;

/** A `subscribe` that is under way. */
export interface Attempt {
  readonly request: SubscribeRequest;
  /** The user that the connection had when the request came. */
  readonly identity: Identity | undefined;
  /** All topics of the request. */
  readonly leases: readonly TopicLease[];
  /** Those that the connection was not subscribed to before, or in another view. */
  readonly fresh: ReadonlySet<TopicLease>;
  readonly catchUp: CatchUp;
  /** Subscriptions whose rooms the connection has left until it is caught up, with the rate that it was in with. */
  readonly paused: Map<TopicLease, number | undefined>;
}

/** The refusal of what cannot be served for now. */
export const unavailable = (cause: unknown): ChannelError =>
  new ChannelError("unavailable", "channel temporarily unavailable; retry", { cause });

/** Settles as the promise does; rejects with `unavailable` if it rejects or takes too long. */
export async function inTime(waiting: Promise<unknown>): Promise<void> {
  try {
    await pTimeout(waiting, { milliseconds: REDIS_TIMEOUT_MS });
  } catch (cause) {
    throw unavailable(cause);
  }
}

/** Refuses a request of which nothing can be served. Of several topics, those that can be are. */
export function assertServed({ leases }: Pick<Attempt, "leases">): void {
  const failures = leases.flatMap(({ failure }) => failure ?? []);
  if (failures.length === leases.length) throw unavailable(failures[0]);
}

/** Resolves once all leases are open; undefined if they are already. */
export function openingOf(leases: Iterable<TopicLease>): Promise<unknown> | undefined {
  const opening = [...leases].flatMap((lease) => lease.opening ?? []);
  return opening.length > 0 ? Promise.all(opening) : undefined;
}
