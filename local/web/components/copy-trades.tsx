import type { Message } from "../../../client/index.ts";
import { cents, label, timeOfDay } from "../format.ts";
import type { Feed } from "../state/liveness.ts";
import { usePage } from "../state/page-context.ts";
import { NothingYet } from "./nothing-yet.tsx";
import { ScrollArea } from "./panel.tsx";
import { TableHead } from "./table-head.tsx";

const COLUMNS = [
  { label: "Time", kind: "extra" },
  { label: "Leader" },
  { label: "Market" },
  { label: "Size", kind: "number" },
  { label: "Price", kind: "number" },
  { label: "Status" },
] as const;

interface CopyTradesProps {
  readonly trades: readonly Message<"user:copy-trade">[];
  readonly feed: Feed;
}

/** Lists copied trades with their outcome, newest first. */
export function CopyTrades({ trades, feed }: CopyTradesProps) {
  const { titleOf } = usePage();
  if (trades.length === 0)
    return <NothingYet feed={feed}>Nothing copied yet. The leaders trade every minute or so.</NothingYet>;
  return (
    <ScrollArea label="Copy trades">
      <table className="rows">
        <TableHead columns={COLUMNS} />
        <tbody>
          {trades.toReversed().map(({ id, data: { time, leaderId, marketId, size, price, status, reason } }) => (
            <tr key={id}>
              <td className="muted extra">{timeOfDay(time)}</td>
              <td>{leaderId}</td>
              <td className="wide">{titleOf(marketId)}</td>
              <td className="number">{size}</td>
              <td className="number">{price === undefined ? "–" : cents(price)}</td>
              <td>
                <span className="status" data-status={status} title={reason}>
                  {label(status)}
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollArea>
  );
}
