import { useState } from "react";
import type { Message } from "../../../client/index.ts";
import type { MarketPrice } from "../../../contract/payloads/market.ts";
import { DevelopmentApiError, placeOrder } from "../development-api.ts";
import { cents, label, money } from "../format.ts";

interface OrderTicketProps {
  readonly user: string | null;
  readonly marketId: string;
  readonly price: MarketPrice | undefined;
  /** All that is known of the user's orders, oldest first. */
  readonly orders: readonly Message<"user:orders">[];
}

const OUTCOMES = ["yes", "no"] as const;

/** What has become of an order, from the events themselves: how much of it is filled and how long that took. */
function describeProgress(orderId: string, orders: readonly Message<"user:orders">[]): string {
  const steps = orders.filter(({ data }) => data.id === orderId);
  const [first, last] = [steps[0]?.data, steps.at(-1)?.data];
  if (!first || !last) return "Order sent";
  const seconds = ((last.time - first.time) / 1_000).toFixed(1);
  const at = last.averagePrice === undefined ? "" : ` at ${cents(last.averagePrice)}`;
  if (last.status === "open") return "Order open, waiting for its fill";
  if (last.reason !== undefined) return `Order ${last.status}: ${last.reason}`;
  return `${label(last.status)}: ${last.filledSize} of ${last.size} ${last.outcome.toUpperCase()}${at}, ${seconds} s after it was placed`;
}

/** Buys at the market's price; the line below follows the order to its fill. */
export function OrderTicket({ user, marketId, price, orders }: OrderTicketProps) {
  const [size, setSize] = useState(100);
  const [orderId, setOrderId] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const isValid = Number.isInteger(size) && size >= 1 && size <= 1_000_000;

  const buy = async (outcome: (typeof OUTCOMES)[number]): Promise<void> => {
    if (user === null) return;
    setProblem(undefined);
    try {
      setOrderId(await placeOrder({ user, marketId, outcome, size }));
    } catch (error) {
      if (!(error instanceof DevelopmentApiError)) throw error;
      setProblem(`The order was not placed. ${error.message}`);
    }
  };

  const hint = user === null ? "Sign in as alice or bob to place an order." : "Buys at the market’s price.";
  const followed = orderId === undefined ? undefined : describeProgress(orderId, orders);
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
          disabled={user === null || !price || !isValid}
          onClick={() => void buy(outcome)}
        >
          <span>Buy {outcome === "yes" ? "Yes" : "No"}</span>
          <span className="number">{price ? money(String(size * Number(price[outcome]) || 0)) : "–"}</span>
        </button>
      ))}
      <output className={problem || !isValid ? "progress problem" : "progress"}>
        {isValid ? (problem ?? followed ?? hint) : "Enter a whole number of shares, from 1 to 1,000,000."}
      </output>
    </form>
  );
}
