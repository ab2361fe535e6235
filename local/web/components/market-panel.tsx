import type { Message } from "../../../client/index.ts";
import type { MarketPrice } from "../../../contract/payloads/market.ts";
import { cents } from "../format.ts";
import { usePage } from "../state/page-context.ts";
import type { Theme } from "../state/session.ts";
import { useFlash } from "../state/use-flash.ts";
import { OrderTicket } from "./order-ticket.tsx";
import { Panel } from "./panel.tsx";
import { PriceChart } from "./price-chart.tsx";

interface MarketPanelProps {
  readonly marketId: string;
  readonly price: MarketPrice | undefined;
  readonly user: string | null;
  readonly orders: readonly Message<"user:orders">[];
  readonly theme: Theme;
}

/** One market: what it costs, how that moved, and a way to buy. */
export function MarketPanel({ marketId, price, user, orders, theme }: MarketPanelProps) {
  const title = usePage().titleOf(marketId);
  const [yes, no] = [useFlash(price?.yes), useFlash(price?.no)];
  return (
    <Panel
      title={title}
      area="market"
      view="market"
      actions={
        <dl className="quote">
          <div>
            <dt>Yes</dt>
            <dd className="flash yes" ref={yes}>
              {price ? cents(price.yes) : "–"}
            </dd>
          </div>
          <div>
            <dt>No</dt>
            <dd className="flash no" ref={no}>
              {price ? cents(price.no) : "–"}
            </dd>
          </div>
        </dl>
      }
    >
      <PriceChart marketId={marketId} title={title} theme={theme} />
      <OrderTicket user={user} marketId={marketId} price={price} orders={orders} />
    </Panel>
  );
}
