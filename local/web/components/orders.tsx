import type { Message } from "../../../client/index.ts";
import type { Order } from "../../../contract/payloads/user.ts";
import { cents, label, timeOfDay } from "../format.ts";
import { usePage } from "../state/page-context.ts";
import { EmptyState, ScrollArea } from "./panel.tsx";
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

/** A user's orders, each as it is now. */
export function Orders({ orders }: { readonly orders: readonly Order[] }) {
  const { titleOf } = usePage();
  if (orders.length === 0)
    return <EmptyState>No orders yet. Buy Yes or No above and watch the fill arrive.</EmptyState>;
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
