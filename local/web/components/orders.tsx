import type { Message } from "../../../client/index.ts";
import type { Order } from "../../../contract/payloads/user.ts";
import { cents, label, timeOfDay } from "../format.ts";
import type { Feed } from "../state/liveness.ts";
import { usePage } from "../state/page-context.ts";
import { NothingYet } from "./nothing-yet.tsx";
import { ScrollArea } from "./panel.tsx";
import { TableHead } from "./table-head.tsx";

const COLUMNS = [
  { label: "Time", kind: "extra" },
  { label: "Market" },
  { label: "Side" },
  { label: "Filled", kind: "number" },
  { label: "Price", kind: "number" },
  { label: "Status" },
] as const;

/** The newest state of every order, the order that changed last first. */
export function latestOrders(messages: readonly Message<"user:orders">[]): Order[] {
  const states = new Map<string, Order>();
  for (const { data } of messages) {
    states.delete(data.id);
    states.set(data.id, data);
  }
  return [...states.values()].reverse();
}

interface OrdersProps {
  readonly orders: readonly Order[];
  readonly feed: Feed;
}

/** A user's orders, each in its newest state. */
export function Orders({ orders, feed }: OrdersProps) {
  const { titleOf } = usePage();
  if (orders.length === 0)
    return <NothingYet feed={feed}>No orders yet. Buy Yes or No above and watch the fill arrive.</NothingYet>;
  return (
    <ScrollArea label="Orders">
      <table className="rows">
        <TableHead columns={COLUMNS} />
        <tbody>
          {orders.map((order) => {
            const price = order.averagePrice ?? order.price;
            return (
              <tr key={order.id} data-order={order.id}>
                <td className="muted extra">{timeOfDay(order.time)}</td>
                <td className="wide">{titleOf(order.marketId)}</td>
                <td className={order.outcome}>
                  {order.side === "buy" ? "Buy" : "Sell"} {order.outcome === "yes" ? "Yes" : "No"}
                </td>
                <td className="number">
                  {order.filledSize} / {order.size}
                </td>
                <td className="number">{price === undefined ? "market" : cents(price)}</td>
                <td>
                  <span className="status" data-status={order.status} title={order.reason}>
                    {label(order.status)}
                  </span>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </ScrollArea>
  );
}
