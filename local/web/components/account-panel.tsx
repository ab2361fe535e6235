import { useSetAtom } from "jotai";
import { useMemo } from "react";
import type { Message } from "../../../client/index.ts";
import { useChannel } from "../../../client/react/index.ts";
import { FIRST_ID } from "../../../contract/wire.ts";
import { usePage } from "../state/page-context.ts";
import { userAtom } from "../state/session.ts";
import { CopyTrades } from "./copy-trades.tsx";
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

function AccountTabs({ orders }: { readonly orders: readonly Message<"user:orders">[] }) {
  const portfolio = useChannel("user:portfolio", { keep: 1, lastId: FIRST_ID });
  const notifications = useChannel("user:notifications", { keep: KEPT, lastId: FIRST_ID });
  const copyTrades = useChannel("user:copy-trade", { keep: KEPT, lastId: FIRST_ID });
  const states = useMemo(() => latestOrders(orders), [orders]);
  return (
    <Tabs
      label="Account"
      tabs={[
        {
          id: "orders",
          label: "Orders",
          count: states.filter(({ status }) => OPEN.includes(status)).length,
          content: <Orders orders={states} />,
        },
        { id: "portfolio", label: "Portfolio", content: <Portfolio portfolio={portfolio.latest?.data} /> },
        {
          id: "notifications",
          label: "Notifications",
          content: <Notifications notifications={notifications.messages} />,
        },
        { id: "copy-trades", label: "Copy trades", content: <CopyTrades trades={copyTrades.messages} /> },
      ]}
    />
  );
}

interface AccountPanelProps {
  readonly user: string | null;
  readonly orders: readonly Message<"user:orders">[];
}

/** All that belongs to the user who is signed in. */
export function AccountPanel({ user, orders }: AccountPanelProps) {
  return (
    <Panel title={user === null ? "Account" : `Account of ${user}`} area="account" view="account">
      {user === null ? <SignIn /> : <AccountTabs key={user} orders={orders} />}
    </Panel>
  );
}
