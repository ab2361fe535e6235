import { type ChannelState, useChannel } from "../../../client/react/index.ts";
import { cents } from "../format.ts";
import { useFeed } from "../state/liveness.ts";
import { usePage } from "../state/page-context.ts";
import type { Theme } from "../state/session.ts";
import { useBookFeed } from "../state/use-book.ts";
import { useFlash } from "../state/use-flash.ts";
import { useRecordedFeed } from "../state/use-recording.ts";
import { OrderTicket } from "./order-ticket.tsx";
import { Panel } from "./panel.tsx";
import { PriceChart } from "./price-chart.tsx";

interface MarketPanelProps {
  readonly marketId: string;
  readonly user: string | null;
  readonly orders: ChannelState<"user:orders">;
  readonly theme: Theme;
}

/** One market: what it costs, how that moved, and a way to buy. */
export function MarketPanel({ marketId, user, orders, theme }: MarketPanelProps) {
  const prices = useChannel("market:prices", { marketId, keep: 0 });
  const title = usePage().titleOf(marketId);
  const price = prices.latest?.data;
  const feeds = [useFeed("Price", prices), useRecordedFeed("Chart", "market:prices")] as const;
  const needs = [feeds[0], useBookFeed("Book", marketId)] as const;
  const isLive = feeds.every(({ liveness }) => liveness.kind === "live");
  const [yes, no] = [useFlash(price?.yes), useFlash(price?.no)];
  return (
    <Panel
      title={title}
      area="market"
      view="market"
      feeds={feeds}
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
      <PriceChart marketId={marketId} title={title} theme={theme} isLive={isLive} />
      <OrderTicket key={user} {...{ user, marketId, price, orders }} needs={needs} />
    </Panel>
  );
}
