import { memo } from "react";
import type { PriceLevel as Level, OutcomeBook } from "../../../contract/payloads/order-book.ts";
import { cents, count } from "../format.ts";

/** Levels shown of each side; the others are in the chart. */
const LEVELS = 6;

interface RowProps {
  readonly price: string | undefined;
  readonly size: number;
  /** This level and all that are better. */
  readonly total: number;
  /** `total` as a share of the deepest one that is shown. */
  readonly depth: number;
}

const Row = memo(function Row({ price, size, total, depth }: RowProps) {
  return (
    <tr style={{ "--depth": depth }}>
      <th scope="row" className="price">
        {price === undefined ? "–" : cents(price)}
      </th>
      <td>{price === undefined ? "" : count(size)}</td>
      <td>{price === undefined ? "" : count(total)}</td>
    </tr>
  );
});

/** Always as many rows, best first, so that nothing moves when a level comes or goes. */
function toRows(levels: readonly Level[]): Omit<RowProps, "depth">[] {
  let total = 0;
  return Array.from({ length: LEVELS }, (_, index) => {
    const level = levels[index];
    const size = Number(level?.size ?? 0);
    total += size;
    return { price: level?.price, size, total };
  });
}

interface SideProps {
  readonly rows: readonly Omit<RowProps, "depth">[];
  readonly side: "asks" | "bids";
  readonly deepest: number;
}

function Side({ rows, side, deepest }: SideProps) {
  const shown = rows.map((row, index) => {
    const depth = row.price === undefined || deepest === 0 ? 0 : row.total / deepest;
    // biome-ignore lint/suspicious/noArrayIndexKey: a row is a place in the book, whatever its price is
    return <Row key={index} {...row} depth={depth} />;
  });
  return <tbody className={side}>{side === "asks" ? shown.reverse() : shown}</tbody>;
}

function spreadOf({ bids, asks }: OutcomeBook): string {
  const [bid, ask] = [bids[0], asks[0]];
  return bid && ask ? `${((Number(ask.price) - Number(bid.price)) * 100).toFixed(1)}¢` : "–";
}

/** The best levels of one outcome, asks above bids. */
export function BookTable({ book, outcome }: { readonly book: OutcomeBook; readonly outcome: "yes" | "no" }) {
  const [bids, asks] = [toRows(book.bids), toRows(book.asks)];
  const deepest = Math.max(bids.at(-1)?.total ?? 0, asks.at(-1)?.total ?? 0);
  return (
    <table className="book">
      <caption className="visually-hidden">Order book, {outcome} shares</caption>
      <thead>
        <tr>
          <th scope="col">Price</th>
          <th scope="col">Size</th>
          <th scope="col">Total</th>
        </tr>
      </thead>
      <Side rows={asks} side="asks" deepest={deepest} />
      <tbody className="spread">
        <tr>
          <th scope="row">Spread</th>
          <td colSpan={2}>{spreadOf(book)}</td>
        </tr>
      </tbody>
      <Side rows={bids} side="bids" deepest={deepest} />
    </table>
  );
}
