import type { Portfolio as PortfolioState } from "../../../contract/payloads/user.ts";
import { cents, count, money, signedMoney } from "../format.ts";
import type { Feed } from "../state/liveness.ts";
import { usePage } from "../state/page-context.ts";
import { NothingYet } from "./nothing-yet.tsx";
import { ScrollArea } from "./panel.tsx";
import { TableHead } from "./table-head.tsx";

const COLUMNS = [
  { label: "Market" },
  { label: "Share" },
  { label: "Size", kind: "number" },
  { label: "Paid", kind: "number extra" },
  { label: "Now", kind: "number" },
  { label: "Profit", kind: "number" },
] as const;

const trend = (amount: string): string => (Number(amount) < 0 ? "loss" : "gain");

interface PortfolioProps {
  /** Undefined while none has come: the feed says whether there is one. */
  readonly portfolio: PortfolioState | undefined;
  readonly feed: Feed;
}

/** Shows a user's portfolio with the value of each position. */
export function Portfolio({ portfolio, feed }: PortfolioProps) {
  const { titleOf } = usePage();
  if (!portfolio) return <NothingYet feed={feed}>No positions yet. They come with the first fill.</NothingYet>;
  const { value, cash, profit, positions, currency } = portfolio;
  return (
    <>
      <dl className="totals">
        <div>
          <dt>Value, {currency}</dt>
          <dd>{money(value)}</dd>
        </div>
        <div>
          <dt>Cash</dt>
          <dd>{money(cash)}</dd>
        </div>
        <div>
          <dt>Profit</dt>
          <dd className={trend(profit)}>{signedMoney(profit)}</dd>
        </div>
      </dl>
      <ScrollArea label="Positions">
        <table className="rows">
          <TableHead columns={COLUMNS} />
          <tbody>
            {positions.map((position) => (
              <tr key={`${position.marketId} ${position.outcome}`}>
                <td className="wide">{titleOf(position.marketId)}</td>
                <td className={position.outcome}>{position.outcome === "yes" ? "Yes" : "No"}</td>
                <td className="number">{count(Number(position.size))}</td>
                <td className="number extra">{cents(position.averagePrice)}</td>
                <td className="number">{cents(position.currentPrice)}</td>
                <td className={`number ${trend(position.profit)}`}>{signedMoney(position.profit)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollArea>
    </>
  );
}
