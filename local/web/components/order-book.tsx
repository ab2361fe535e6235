import { useState } from "react";
import type { ChannelState } from "../../../client/react/index.ts";
import { bookOf } from "../../../contract/mirrored-book.ts";
import type { PriceLevel as Level } from "../../../contract/payloads/order-book.ts";
import { cents, count } from "../format.ts";
import { useFeed } from "../state/liveness.ts";
import { Choice } from "./choice.tsx";
import { Panel } from "./panel.tsx";

/** Levels shown of each side. */
const LEVELS = 8;

interface Row {
  readonly key: string;
  readonly price: string | undefined;
  readonly size: number;
  /** This level and all that are better. */
  readonly total: number;
}

/** Always as many rows, best first, so that nothing moves when a level comes or goes. */
function toRows(levels: readonly Level[], side: string): Row[] {
  let total = 0;
  return Array.from({ length: LEVELS }, (_, index) => {
    const level = levels[index];
    const size = Number(level?.size ?? 0);
    total += size;
    return { key: `${side}-${index}`, price: level?.price, size, total };
  });
}

function Side({
  rows,
  side,
  deepest,
}: {
  readonly rows: readonly Row[];
  readonly side: string;
  readonly deepest: number;
}) {
  return (
    <tbody className={side}>
      {rows.map(({ key, price, size, total }) => (
        <tr key={key} style={{ "--depth": price === undefined || deepest === 0 ? 0 : total / deepest }}>
          <th scope="row" className="price">
            {price === undefined ? "–" : cents(price)}
          </th>
          <td>{price === undefined ? "" : count(size)}</td>
          <td>{price === undefined ? "" : count(total)}</td>
        </tr>
      ))}
    </tbody>
  );
}

function spreadOf(bids: readonly Level[], asks: readonly Level[]): string {
  const [bid, ask] = [bids[0], asks[0]];
  return bid && ask ? `${((Number(ask.price) - Number(bid.price)) * 100).toFixed(1)}¢` : "–";
}

/** The depth of one market, asks above bids. */
export function OrderBook({ book }: { readonly book: ChannelState<"market:orderbook"> }) {
  const [outcome, choose] = useState<"yes" | "no">("yes");
  const feed = useFeed("Order book", book);
  const { bids, asks } = book.latest ? bookOf(book.latest.data, outcome) : { bids: [], asks: [] };
  const [bidRows, askRows] = [toRows(bids, "bid"), toRows(asks, "ask")];
  const deepest = Math.max(bidRows.at(-1)?.total ?? 0, askRows.at(-1)?.total ?? 0);
  const options = [
    { value: "yes", label: "Yes" },
    { value: "no", label: "No" },
  ] as const;
  return (
    <Panel
      title="Order book"
      area="book"
      view="market"
      actions={<Choice label="Outcome" options={options} value={outcome} onChange={choose} />}
      feeds={[feed]}
    >
      <div className="book-area">
        <table className="book">
          <caption className="visually-hidden">Order book, {outcome} shares</caption>
          <thead>
            <tr>
              <th scope="col">Price</th>
              <th scope="col">Size</th>
              <th scope="col">Total</th>
            </tr>
          </thead>
          <Side rows={askRows.toReversed()} side="asks" deepest={deepest} />
          <tbody className="spread">
            <tr>
              <th scope="row">Spread</th>
              <td colSpan={2}>{spreadOf(bids, asks)}</td>
            </tr>
          </tbody>
          <Side rows={bidRows} side="bids" deepest={deepest} />
        </table>
      </div>
    </Panel>
  );
}
