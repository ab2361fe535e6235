import pTimeout from "p-timeout";
import { subscriptionEnded } from "../../../contract/answers.ts";
import { ChannelError } from "../../../contract/errors.ts";
import type { ServerFrame } from "../../../contract/managed-edge.ts";
import type { ConnectionState, Connections, Subscription } from "../table/connections.ts";
import { isAbandoned, type Listeners } from "../table/room-subscribers.ts";
import { type HeartbeatsContext, readHeartbeats } from "./heartbeats.ts";

/**
 * Longest wait for the heartbeats, in ms: less than a client waits for its `pong`, or all of them would connect anew
 * because Redis is slow.
 */
const HEARTBEATS_MS = 2_000;

interface PingContext extends HeartbeatsContext {
  readonly connections: Connections;
  readonly listeners: Listeners;
}

/** What a subscription turned out to be: live, given up by whoever was to let it go live, or on its way. */
type Found = { readonly is: "live" | "abandoned" | "under way"; readonly subscription: Subscription };

/** Looks at the listener's row of a subscription that nobody has written down as live. */
async function look({ connections, listeners }: PingContext, connection: ConnectionState, subscription: Subscription) {
  if (subscription.isLive) return { is: "live", subscription } satisfies Found;
  const { stream } = subscription;
  const listener = await listeners.find(connection.id, stream);
  if (listener?.isLive) {
    const newestStart = listener.start.startId ?? listener.start.newestStart;
    const live = { ...subscription, isLive: true, newestStart };
    await connections.note(connection, [live]);
    return { is: "live", subscription: live } satisfies Found;
  }
  return { is: isAbandoned(listener ?? subscription) ? "abandoned" : "under way", subscription } satisfies Found;
}

/**
 * What a `ping` leads to beside its `pong`: the end of subscriptions whose function ended half-way, and a heartbeat for
 * those that are live. One that is still catching up has none: it is not live. Rejects with the error of Redis or of the
 * table.
 */
export async function answerPing(context: PingContext, connection: ConnectionState): Promise<ServerFrame[]> {
  const all = [...connection.subscriptions.values()];
  const found: readonly Found[] = await Promise.all(all.map((each) => look(context, connection, each)));
  const of = (is: Found["is"]) => found.filter((each) => each.is === is).map(({ subscription }) => subscription);
  const abandoned = of("abandoned").map(({ stream }) => stream);
  if (abandoned.length > 0) await context.connections.leave(connection, abandoned);
  const error = new ChannelError("unavailable", "the subscription was not completed; subscribe again");
  const ended = abandoned.map((stream) => ({ event: "error", data: subscriptionEnded(stream, error) }) as const);
  const reading = pTimeout(readHeartbeats(context, connection, of("live")), { milliseconds: HEARTBEATS_MS });
  const heartbeats = await reading.catch((failure: unknown) => {
    // The end of the others must be told all the same.
    context.onError(failure, "heartbeat");
    return [];
  });
  return [...ended, ...heartbeats];
}
