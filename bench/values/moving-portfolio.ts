import type { Payload } from "../../contract/channels.ts";
import { createPick } from "./chance.ts";

type Portfolio = Payload<"user:portfolio">;
type Position = Portfolio["positions"][number];

/** Positions whose price moves at a time. */
const MOVED = 3;

const pick = createPick();

const cents = (value: number): string => (value / 100).toFixed(2).replace(/\.?0+$/, "");

/** Amounts in cents, prices in hundredths. */
function positionOf(marketId: string, size: number, price: number): Position {
  const averagePrice = 50;
  return {
    ...{ marketId, exchange: "kalshi", outcome: "yes", size: String(size) },
    averagePrice: cents(averagePrice),
    currentPrice: cents(price),
    value: cents(size * price),
    profit: cents(size * (price - averagePrice)),
  };
}

const total = (positions: readonly Position[], field: "value" | "profit"): number =>
  positions.reduce((sum, position) => sum + Math.round(Number(position[field]) * 100), 0);

/** A user's portfolio whose positions are revalued, a few at a time, as the prices of their markets move. */
export class MovingPortfolio {
  #positions: readonly Position[];

  constructor(positions: number) {
    this.#positions = Array.from({ length: positions }, (_, index) =>
      positionOf(`KXHIGHNY-25JUN01-B${String(index).padStart(3, "0")}`, 1 + pick(2_000), 1 + pick(99)),
    );
  }

  /** Moves some prices, and returns the whole portfolio. */
  move(): Portfolio {
    const positions = [...this.#positions];
    for (let moved = 0; moved < MOVED; moved += 1) {
      const index = pick(positions.length);
      const position = positions[index];
      if (position) positions[index] = positionOf(position.marketId, Number(position.size), 1 + pick(99));
    }
    this.#positions = positions;
    const cash = 125_000;
    const value = cents(cash + total(positions, "value"));
    const profit = cents(total(positions, "profit"));
    return { currency: "USD", value, cash: cents(cash), profit, positions, time: Date.now() };
  }
}
