import { publish, withFailureQueue } from "@vezta/realtime-publisher";

/** The event as EventBridge delivers it; `detail` is what the rewards service put on the bus. */
interface RewardGranted {
  readonly id: string;
  readonly detail: {
    readonly userId: string;
    readonly rewardId: string;
    readonly points: number;
    readonly time: number;
  };
}

/**
 * Notifies the user. If it throws, the event is retried under the same id: no duplicates. `withFailureQueue` unpacks the
 * batches of the retry queue.
 */
export const handler = withFailureQueue(async ({ id, detail }: RewardGranted): Promise<void> => {
  await publish({
    channel: "user:notifications",
    key: detail.userId,
    eventId: id,
    data: {
      id: detail.rewardId,
      category: "system",
      severity: "info",
      title: "You have a reward",
      body: `${detail.points} points were added to your account.`,
      time: detail.time,
    },
  });
});
