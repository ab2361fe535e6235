import { useAtom, useAtomValue } from "jotai";
import { useEffect } from "react";
import { useChannel, useRealtimeClient } from "../../client/react/index.ts";
import { FIRST_ID } from "../../contract/ids.ts";
import { AccountPanel } from "./components/account-panel.tsx";
import { MarketList } from "./components/market-list.tsx";
import { MarketPanel } from "./components/market-panel.tsx";
import { OrderBook } from "./components/order-book.tsx";
import { SectionBar } from "./components/section-bar.tsx";
import { Signals } from "./components/signals.tsx";
import { StatusPanel } from "./components/status-panel.tsx";
import { TopBar } from "./components/top-bar.tsx";
import { Trades } from "./components/trades.tsx";
import { usePage } from "./state/page-context.ts";
import { selectedMarketAtom, type Theme, userAtom, viewAtom } from "./state/session.ts";
import { useRecording } from "./state/use-recording.ts";
import { useTheme } from "./state/use-theme.ts";

interface MarketProps {
  readonly marketId: string;
  readonly user: string | null;
  readonly theme: Theme;
}

/** The market that is shown, and the user's account beside it. */
function Market({ marketId, user, theme }: MarketProps) {
  const orders = useChannel("user:orders", { enabled: user !== null, keep: 500, lastId: FIRST_ID });
  return (
    <>
      <MarketPanel {...{ marketId, user, orders, theme }} />
      <OrderBook marketId={marketId} />
      <Trades marketId={marketId} />
      <AccountPanel user={user} orders={orders} />
    </>
  );
}

/** All that is on the page, once the platform has said what there is. */
export function Dashboard() {
  const { config } = usePage();
  const { theme, toggle } = useTheme();
  const user = useAtomValue(userAtom);
  const view = useAtomValue(viewAtom);
  const [selected, select] = useAtom(selectedMarketAtom);
  const marketId = selected ?? config.markets[0]?.id ?? null;
  useRecording({ client: useRealtimeClient(), user, marketId });
  useEffect(() => select(marketId), [select, marketId]);

  return (
    <>
      <TopBar theme={theme} onToggleTheme={toggle} />
      <main className="dashboard" data-view={view}>
        <MarketList />
        {marketId === null ? null : <Market marketId={marketId} user={user} theme={theme} />}
        <StatusPanel />
        <Signals />
      </main>
      <SectionBar />
      <footer className="footer">
        Simulated markets. Charts by{" "}
        <a href="https://www.tradingview.com/" target="_blank" rel="noreferrer">
          TradingView Lightweight Charts™
        </a>
      </footer>
    </>
  );
}
