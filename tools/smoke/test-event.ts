import { randomUUID } from "node:crypto";
import { decodeJwt } from "jose";
import { SmokeError } from "./connection.ts";

/** The event that a smoke test publishes, and where it is to arrive. */
export interface TestEvent {
  readonly source: string;
  readonly detailType: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly subscription: { readonly channel: string; readonly marketId?: string };
  /** By this id of its payload it is known when it arrives. */
  readonly id: string;
}

/** Whom the notification is for. The token is not verified here: the endpoint has done that. */
function subjectOf(token: string): string {
  const { sub } = decodeJwt(token);
  if (!sub) throw new SmokeError("the token has no sub");
  return sub;
}

/**
 * With a token a notification to its own user, whom nobody else hears; without one a trade of a market of its own,
 * which clients that take all markets hear too.
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
