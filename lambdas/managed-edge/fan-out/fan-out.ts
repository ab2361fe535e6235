import { setTimeout as delay } from "node:timers/promises";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { subscriptionEnded, tokenExpired } from "../../../contract/answers.ts";
import { ChannelError } from "../../../contract/errors.ts";
import type { ErrorMessage } from "../../../contract/messages.ts";
import { isTimeout } from "../../../kernel/aws/bounded-requests.ts";
import { preciseNow, type Tracer } from "../../../kernel/tracing/tracer.ts";
import { type CloseContext, closeConnection } from "../posting/close-connection.ts";
import { encodeFrame } from "../posting/poster.ts";
import { valueUnavailable } from "../streams/held-state.ts";
import type { RoomSubscriber } from "../table/room-subscriber.ts";
import { deliver } from "./deliver.ts";
import { type DeliveryPlan, type PlanContext, planDelivery } from "./delivery-plan.ts";
import { groupRecords, type MessageGroup } from "./message-groups.ts";
import { traceFanOut } from "./trace-fan-out.ts";

/** Most records of a FIFO queue that an event source passes to one invocation. */
const MAXIMUM_BATCH = 10;

/** Time after which no post is begun or waited for, in ms: the function has to end inside its timeout. */
export const DELIVERY_BOUND_MS = 10_000;

/** Time after which an invocation does not wait for the window, in ms. */
const WINDOW_BOUND_MS = 5_000;

export interface FanOutContext extends PlanContext, CloseContext {
  /** Records where the traced entries spend their time. @default - nothing is traced */
  readonly tracer?: Tracer | undefined;
  /** Pause of an invocation after a batch that was not full, in ms. */
  readonly windowMs: number;
}

type FanOutHandler = (event: SQSEvent) => Promise<SQSBatchResponse>;

/**
 * Builds the handler of the queue's batches: it delivers the pending entries of each stream to the subscribers on this
 * edge, and reports the records of failed message groups, so that they come again.
 */
export function createFanOut(context: FanOutContext): FanOutHandler {
  return async ({ Records: records }) => {
    const began = performance.now();
    const until = AbortSignal.timeout(DELIVERY_BOUND_MS);
    const groups = groupRecords(records, context.onError);
    const invokedMs = preciseNow();
    await Promise.all(groups.map((group) => plan(context, group)));
    const plannedMs = preciseNow();
    await deliver(context, groups, until);
    await traceFanOut(context.tracer, groups, { invokedMs, plannedMs });
    await Promise.all(groups.map((group) => commit(context, group)));
    // After the delivery, not before it: a single update is not delayed.
    const mayWait = records.length < MAXIMUM_BATCH && performance.now() - began < WINDOW_BOUND_MS;
    if (mayWait) await delay(context.windowMs);
    const failed = groups.filter(({ hasFailed }) => hasFailed).flatMap((group) => group.records);
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };
}

async function plan(context: FanOutContext, group: MessageGroup): Promise<void> {
  try {
    group.plan = await planDelivery(context, group.hints);
    await endSubscriptions(context, group.plan);
  } catch (error) {
    group.hasFailed = true;
    context.onError(error, "plan");
  }
}

/** Ends the subscriptions whose token has expired, those that will not go live, and those whose value is damaged. */
async function endSubscriptions(context: FanOutContext, planned: DeliveryPlan | undefined): Promise<void> {
  const { expired = [], abandoned = [] } = planned?.audience ?? {};
  const { unprovable = [] } = planned ?? {};
  const lost = new ChannelError("unavailable", "the subscription was not completed; subscribe again");
  await Promise.all([
    ...expired.map((subscriber) => end(context, subscriber, tokenExpired(subscriber.topic.channel))),
    ...abandoned.map((subscriber) => end(context, subscriber, subscriptionEnded(subscriber.topic, lost))),
    ...unprovable.map((subscriber) =>
      end(context, subscriber, subscriptionEnded(subscriber.topic, valueUnavailable())),
    ),
  ]);
}

/** Posts first: a row that is left is found by the next message, but a client that was not told asks for nothing. */
async function end(context: FanOutContext, { connection, topic }: RoomSubscriber, data: ErrorMessage): Promise<void> {
  const { connections, poster, onError } = context;
  try {
    if (await poster.send(connection.id, [encodeFrame({ event: "error", data })])) {
      await connections.leave(connection, [topic]);
    } else await connections.remove(connection);
  } catch (error) {
    onError(error, "end");
    if (isTimeout(error)) await closeConnection(context, connection);
  }
}

async function commit({ onError }: FanOutContext, group: MessageGroup): Promise<void> {
  if (group.hasFailed) return;
  try {
    await group.plan?.commit();
  } catch (error) {
    group.hasFailed = true;
    onError(error, "commit");
  }
}
