/** A Lambda function of another team: it tells users of their deposits. */
import { type Publish, publish, withFailureQueue } from "@vezta/realtime-publisher";
import type { EventBridgeEvent } from "aws-lambda";

type DepositReceived = EventBridgeEvent<"DepositReceived", { readonly userId: string; readonly amount: string }>;

/** Creates the handler. A unit test passes the `publish` of a fake publisher. */
export const createHandler =
  (publish: Publish) =>
  async ({ id, time, detail }: DepositReceived): Promise<void> => {
    await publish({
      channel: "user:notifications",
      key: detail.userId,
      // The same for every retry of the event: a user gets one notification.
      eventId: id,
      data: {
        ...{ id, category: "account", severity: "success", time: Date.parse(time) },
        ...{ title: "Deposit received", body: `${detail.amount} USDC has arrived in your account.` },
      },
    });
  };

export const handler = withFailureQueue(createHandler(publish));
