import { useSetAtom } from "jotai";
import { useMemo } from "react";
import { type ChannelState, useChannel } from "../../../client/react/index.ts";
import { FIRST_ID } from "../../../contract/ids.ts";
import { useFeed } from "../state/liveness.ts";
import { usePage } from "../state/page-context.ts";
import { userAtom } from "../state/session.ts";
import { CopyTrades } from "./copy-trades.tsx";
import { GapNotice } from "./gap-notice.tsx";
import { Notifications } from "./notifications.tsx";
import { latestOrders, Orders } from "./orders.tsx";
import { EmptyState, Panel } from "./panel.tsx";
import { Portfolio } from "./portfolio.tsx";
import { Tabs } from "./tabs.tsx";

/** Messages kept of each channel. */
const KEPT = 200;

const OPEN = ["open", "partially_filled"];

function SignIn() {
  const { config } = usePage();
  const signIn = useSetAtom(userAtom);
  return (
    <EmptyState>
      Sign in to see orders, portfolio, notifications and copy trades. Open a second tab as somebody else: nobody sees
      what is not theirs.
      <span className="choices">
        {config.users.map((user) => (
          <button key={user} type="button" className="button primary" onClick={() => signIn(user)}>
            Sign in as {user}
          </button>
        ))}
      </span>
    </EmptyState>
  );
}

interface SignedInProps {
  readonly user: string;
  readonly orders: ChannelState<"user:orders">;
}

function SignedIn({ user, orders }: SignedInProps) {
  const portfolio = useChannel("user:portfolio", { keep: 1, lastId: FIRST_ID });
  const notifications = useChannel("user:notifications", { keep: KEPT, lastId: FIRST_ID });
  const trades = useChannel("user:copy-trade", { keep: KEPT, lastId: FIRST_ID });
  const states = useMemo(() => latestOrders(orders.messages), [orders.messages]);
  const feeds = {
    orders: useFeed("Orders", orders),
    portfolio: useFeed("Positions", portfolio),
    notifications: useFeed("Notifications", notifications),
    trades: useFeed("Copy trades", trades),
  };
  return (
    <Panel
      title={`Account of ${user}`}
      area="account"
      view="account"
      feeds={[feeds.orders, feeds.portfolio, feeds.notifications, feeds.trades]}
      isDimmedInParts
    >
      <Tabs
        label="Account"
        tabs={[
          {
            id: "orders",
            label: "Orders",
            count: states.filter(({ status }) => OPEN.includes(status)).length,
            liveness: feeds.orders.liveness.kind,
            content: <Orders orders={states} feed={feeds.orders} />,
          },
          {
            id: "portfolio",
            label: "Portfolio",
            liveness: feeds.portfolio.liveness.kind,
            content: <Portfolio portfolio={portfolio.latest?.data} feed={feeds.portfolio} />,
          },
          {
            id: "notifications",
            label: "Notifications",
            liveness: feeds.notifications.liveness.kind,
            content: <Notifications notifications={notifications.messages} feed={feeds.notifications} />,
          },
          {
            id: "copy-trades",
            label: "Copy trades",
            liveness: feeds.trades.liveness.kind,
            content: <CopyTrades trades={trades.messages} feed={feeds.trades} />,
          },
        ]}
      />
      <GapNotice lists={{ orders, notifications, "copy trades": trades }} />
    </Panel>
  );
}

interface AccountPanelProps {
  readonly user: string | null;
  readonly orders: ChannelState<"user:orders">;
}

/** All that belongs to the user who is signed in. */
export function AccountPanel({ user, orders }: AccountPanelProps) {
  if (user !== null) return <SignedIn key={user} user={user} orders={orders} />;
  return (
    <Panel title="Account" area="account" view="account">
      <SignIn />
    </Panel>
  );
}
