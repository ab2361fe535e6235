import { useChannel } from "../../../client/react/index.ts";
import { FIRST_ID } from "../../../contract/ids.ts";
import { cents, count, timeOfDay } from "../format.ts";
import { useFeed } from "../state/liveness.ts";
import { GapNotice } from "./gap-notice.tsx";
import { NothingYet } from "./nothing-yet.tsx";
import { Panel, ScrollArea } from "./panel.tsx";
import { TableHead } from "./table-head.tsx";

const COLUMNS = [
  { label: "Time" },
  { label: "Taker" },
  { label: "Price", kind: "number" },
  { label: "Size", kind: "number" },
] as const;

/** Lists the trades of one market, newest first. */
export function Trades({ marketId }: { readonly marketId: string }) {
  const trades = useChannel("market:trades", { marketId, keep: 100, lastId: FIRST_ID });
  const feed = useFeed("Trades", trades);
  return (
    <Panel title="Trades" area="trades" view="market" feeds={[feed]}>
      {trades.messages.length === 0 ? (
        <NothingYet feed={feed}>No trade yet. The next one appears here.</NothingYet>
      ) : (
        <ScrollArea label="Trades">
          <table className="rows fixed">
            <TableHead columns={COLUMNS} />
            <tbody>
              {trades.messages.toReversed().map(({ id, data: { id: tradeId, time, side, outcome, price, size } }) => (
                <tr key={id} data-trade={tradeId}>
                  <td className="muted">{timeOfDay(time)}</td>
                  <td className={side}>
                    {side === "buy" ? "Buy" : "Sell"} {outcome === "yes" ? "Yes" : "No"}
                  </td>
                  <td className="number">{cents(price)}</td>
                  <td className="number">{count(Number(size))}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollArea>
      )}
      <GapNotice lists={{ trades }} />
    </Panel>
  );
}
