import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidMessageError, PublishError } from "@vezta/realtime-publisher";
import { createFakePublisher } from "@vezta/realtime-publisher/testing";
import { createHandler } from "../src/deposits.handler.ts";

const deposit = (detail: { userId: string; amount: string }) => ({
  ...{ version: "0", account: "111122223333", region: "us-east-1", resources: [], source: "bank" },
  ...{ "detail-type": "DepositReceived" as const, id: "deposit-1", time: "2026-01-01T00:00:00Z", detail },
});

test("a deposit becomes a notification of its user", async () => {
  const publisher = createFakePublisher();

  await createHandler(publisher.publish)(deposit({ userId: "alice", amount: "250" }));

  const [notification] = publisher.published;
  assert.equal(notification?.channel, "user:notifications");
  assert.equal(notification.key, "alice");
  assert.equal(notification.data.body, "250 USDC has arrived in your account.");
});

test("a retry of the event does not notify twice", async () => {
  const publisher = createFakePublisher();
  const handler = createHandler(publisher.publish);
  publisher.failNext();

  await assert.rejects(handler(deposit({ userId: "alice", amount: "250" })), PublishError);
  await handler(deposit({ userId: "alice", amount: "250" }));
  await handler(deposit({ userId: "alice", amount: "250" }));

  assert.equal(publisher.published.length, 1);
});

test("a message that does not fit the channel fails in the unit test already", async () => {
  const handler = createHandler(createFakePublisher().publish);

  const failure = handler(deposit({ userId: "", amount: "250" }));

  await assert.rejects(failure, (error: Error) => error.cause instanceof InvalidMessageError);
});
