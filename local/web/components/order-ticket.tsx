import { useState } from "react";
import type { Message } from "../../../client/index.ts";
import type { ChannelState } from "../../../client/react/index.ts";
import type { MarketPrice } from "../../../contract/payloads/market.ts";
import { DevelopmentApiError, placeOrder } from "../development-api.ts";
import { cents, label, money } from "../format.ts";
import { type Feed, useFeed, worstFeed } from "../state/liveness.ts";

interface OrderTicketProps {
  readonly user: string | null;
  readonly marketId: string;
  readonly price: MarketPrice | undefined;
  /** Feeds that must be live before an order can be placed. */
  readonly needs: readonly [Feed, ...Feed[]];
  readonly orders: ChannelState<"user:orders">;
}

const OUTCOMES = ["yes", "no"] as const;

/** Describes an order's state from its events; undefined where none is known. */
function describeProgress(orderId: string, orders: readonly Message<"user:orders">[]): string | undefined {
  const steps = orders.filter(({ data }) => data.id === orderId);
  const [first, last] = [steps[0]?.data, steps.at(-1)?.data];
  if (!first || !last) return undefined;
  const seconds = ((last.time - first.time) / 1_000).toFixed(1);
  const at = last.averagePrice === undefined ? "" : ` at ${cents(last.averagePrice)}`;
  if (last.status === "open") return "Order open, waiting for its fill";
  if (last.reason !== undefined) return `Order ${last.status}: ${last.reason}`;
  return `${label(last.status)}: ${last.filledSize} of ${last.size} ${last.outcome.toUpperCase()}${at}, after ${seconds} s`;
}

/**
 * Follows an order by `user:orders`. What was known of it stays while the orders are loaded anew, as on another edge, and
 * says that it may be old by then.
 */
function useProgress(orderId: string | undefined, orders: ChannelState<"user:orders">): string | undefined {
  const { liveness } = useFeed("Orders", orders);
  const [known, remember] = useState<{ readonly orderId: string; readonly text: string }>();
  if (orderId === undefined) return undefined;
  const isLive = liveness.kind === "live";
  const kept = known?.orderId === orderId ? known.text : undefined;
  const current = describeProgress(orderId, orders.messages);
  if (isLive && current !== undefined && current !== kept) remember({ orderId, text: current });
  const text = (isLive ? (current ?? kept) : (kept ?? current)) ?? "Order sent";
  return isLive ? text : `${text} (not current)`;
}

/** Says why nothing can be bought, or what buying does. */
function describeTicket({ user, price, needs }: Pick<OrderTicketProps, "user" | "price" | "needs">): string {
  const { name, liveness } = worstFeed(needs);
  if (liveness.kind !== "live") return `Buying is off. ${name}: ${liveness.text}`;
  if (!price) return "Buying is off: this market has no price yet.";
  return user === null ? "Sign in as alice or bob to place an order." : "Buys at the market’s price.";
}

function describeFailure({ isRefusal, message }: DevelopmentApiError): string {
  return isRefusal
    ? `The order was not placed. ${message}`
    : "No answer: whether the order was placed, Orders will show.";
}

/** Buys at the market's price, while that is live; the last line follows the order to its fill. */
export function OrderTicket({ user, marketId, price, needs, orders }: OrderTicketProps) {
  const [size, setSize] = useState(100);
  const [orderId, setOrderId] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const followed = useProgress(orderId, orders);
  const isValid = Number.isInteger(size) && size >= 1 && size <= 1_000_000;
  const isLive = worstFeed(needs).liveness.kind === "live";

  const buy = async (outcome: (typeof OUTCOMES)[number]): Promise<void> => {
    if (user === null) return;
    setProblem(undefined);
    try {
      setOrderId(await placeOrder({ user, marketId, outcome, size }));
    } catch (error) {
      if (!(error instanceof DevelopmentApiError)) throw error;
      setProblem(describeFailure(error));
    }
  };

  return (
    <form className="ticket" onSubmit={(event) => event.preventDefault()}>
      <label className="field">
        <span>Shares</span>
        <input
          type="number"
          inputMode="numeric"
          min={1}
          max={1_000_000}
          step={1}
          value={Number.isNaN(size) ? "" : size}
          aria-invalid={!isValid}
          onChange={(event) => setSize(event.target.valueAsNumber)}
        />
      </label>
      {OUTCOMES.map((outcome) => (
        <button
          key={outcome}
          type="button"
          className={`buy ${outcome}`}
          disabled={user === null || !isLive || !price || !isValid}
          onClick={() => void buy(outcome)}
        >
          <span>Buy {outcome === "yes" ? "Yes" : "No"}</span>
          <span className="number">{price ? money(String(size * Number(price[outcome]) || 0)) : "–"}</span>
        </button>
      ))}
      <p className="ticket-state" data-liveness={isLive ? "live" : "not-live"}>
        {describeTicket({ user, price, needs })}
      </p>
      <output className={problem || !isValid ? "progress problem" : "progress"}>
        {isValid ? (problem ?? followed) : "Enter a whole number of shares, from 1 to 1,000,000."}
      </output>
    </form>
  );
}
