import { randomUUID } from "node:crypto";
import { decodeJwt } from "jose";
import { SmokeError } from "./connection.ts";

/** The event that a smoke test publishes, and the subscription on which it is to arrive. */
export interface TestEvent {
  readonly source: string;
  readonly detailType: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly subscription: { readonly channel: string; readonly marketId?: string };
  /** The id in its payload, by which it is recognized. */
  readonly id: string;
}

/** Returns the user of a token, without verifying it: the endpoint has done that. */
function subjectOf(token: string): string {
  const { sub } = decodeJwt(token);
  if (!sub) throw new SmokeError("the token has no sub");
  return sub;
}

/**
 * Creates an event: with a token a notification, which only the token's user gets; without one a trade of a test
 * market, which clients of all markets get too.
 */
export function createTestEvent(token: string | undefined): TestEvent {
  const id = `smoke-${randomUUID()}`;
  const time = Date.now();
  if (token === undefined) {
    const marketId = "smoke-test";
    return {
      source: "vezta.market-data",
      detailType: "TradeExecuted",
      detail: { id, marketId, exchange: "smoke-test", outcome: "yes", side: "buy", price: "0.5", size: "1", time },
      subscription: { channel: "market:trades", marketId },
      id,
    };
  }
  const notification = { category: "system", severity: "info", title: "Smoke test", body: "It works." };
  return {
    source: "vezta.notifications",
    detailType: "NotificationCreated",
    detail: { userId: subjectOf(token), id, ...notification, time },
    subscription: { channel: "user:notifications" },
    id,
  };
}
