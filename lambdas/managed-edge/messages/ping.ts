import pTimeout from "p-timeout";
import { subscriptionEnded } from "../../../contract/answers.ts";
import { ChannelError } from "../../../contract/errors.ts";
import type { ServerFrame } from "../../../contract/managed-edge.ts";
import type { ConnectionState, Connections, Subscription } from "../table/connections.ts";
import { isAbandoned, type RoomSubscribers } from "../table/room-subscribers.ts";
import { type HeartbeatsContext, readHeartbeats } from "./heartbeats.ts";

/**
 * Longest wait for the heartbeats, in ms: shorter than a client waits for its `pong`, so that a slow Redis does not make
 * every client reconnect.
 */
const HEARTBEATS_MS = 2_000;

interface PingContext extends HeartbeatsContext {
  readonly connections: Connections;
  readonly subscribers: RoomSubscribers;
}

/** A subscription and its state, by its own row or by the subscriber's row in the room. */
interface Inspected {
  readonly state: "live" | "abandoned" | "catching-up";
  readonly subscription: Subscription;
}

/** Resolves with the state of a subscription; reads the subscriber's row where the subscription is not saved as live. */
async function inspect(
  { connections, subscribers }: PingContext,
  connection: ConnectionState,
  subscription: Subscription,
): Promise<Inspected> {
  if (subscription.isLive) return { state: "live", subscription };
  const subscriber = await subscribers.find(connection.id, subscription.topic);
  if (subscriber?.isLive) {
    const newestStart = subscriber.start.startId ?? subscriber.start.newestStart;
    const live = { ...subscription, isLive: true, newestStart };
    await connections.saveSubscriptions(connection, [live]);
    return { state: "live", subscription: live };
  }
  return { state: isAbandoned(subscriber ?? subscription) ? "abandoned" : "catching-up", subscription };
}

/**
 * Resolves with the frames that a `ping` leads to beside its `pong`: the end of subscriptions whose function ended before
 * they were live, and a heartbeat for each live one. Rejects with the error of Redis or of the table.
 */
export async function answerPing(context: PingContext, connection: ConnectionState): Promise<ServerFrame[]> {
  const subscriptions = [...connection.subscriptions.values()];
  const inspected = await Promise.all(subscriptions.map((each) => inspect(context, connection, each)));
  const subscriptionsThatAre = (wanted: Inspected["state"]): Subscription[] =>
    inspected.filter(({ state }) => state === wanted).map(({ subscription }) => subscription);
  const abandoned = subscriptionsThatAre("abandoned").map(({ topic }) => topic);
  if (abandoned.length > 0) await context.connections.leave(connection, abandoned);
  const error = new ChannelError("unavailable", "the subscription was not completed; subscribe again");
  const ended = abandoned.map((topic) => ({ event: "error", data: subscriptionEnded(topic, error) }) as const);
  const reading = readHeartbeats(context, connection, subscriptionsThatAre("live"));
  const heartbeats = await pTimeout(reading, { milliseconds: HEARTBEATS_MS }).catch((failure: unknown) => {
    // The ends of the abandoned subscriptions must reach the client all the same.
    context.onError(failure, "heartbeat");
    return [];
  });
  return [...ended, ...heartbeats];
}
