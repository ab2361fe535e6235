import { setTimeout as delay } from "node:timers/promises";
import type { DataMessage } from "../../contract/messages.ts";
import { type MeasuredPath, trade } from "./setup.ts";

const CLIENTS = 4;
const MARKETS = 20;
const BATCH = 100;

interface Seen {
  readonly newest: Map<string, number>;
  received: number;
  doubled: number;
  outOfOrder: number;
}

function watch(): { seen: Seen; onData: (message: DataMessage) => void } {
  const seen: Seen = { newest: new Map(), received: 0, doubled: 0, outOfOrder: 0 };
  const onData = ({ marketId = "", data }: DataMessage): void => {
    const number = Number((data as { id: string }).id.split("-").at(-1));
    const newest = seen.newest.get(marketId) ?? -1;
    seen.received += 1;
    if (number === newest) seen.doubled += 1;
    else if (number < newest) seen.outOfOrder += 1;
    else seen.newest.set(marketId, number);
  };
  return { seen, onData };
}

/** Publishes numbered messages as fast as the path takes them and counts what each client makes of them. */
export async function measureIntegrity(
  path: MeasuredPath,
  { messages, progress }: { readonly messages: number; readonly progress: (text: string) => void },
) {
  const watches = await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const { seen, onData } = watch();
      const socket = await path.connect({ channel: "market:trades" });
      socket.on("data", onData);
      return seen;
    }),
  );
  for (let sent = 0; sent < messages; sent += BATCH) {
    const count = Math.min(BATCH, messages - sent);
    const batch = Array.from({ length: count }, (_, index) => {
      const number = sent + index;
      return trade(`integrity-${number % MARKETS}`, `integrity-${number}`);
    });
    await path.publisher.publish(batch);
    progress(`integrity: ${sent + count} of ${messages} messages`);
  }
  const isDone = (): boolean => watches.every(({ received }) => received >= messages);
  for (let turn = 0; !isDone() && turn < 600; turn += 1) await delay(50);
  const sum = (pick: (seen: Seen) => number): number => watches.reduce((total, seen) => total + pick(seen), 0);
  const doubled = sum((seen) => seen.doubled);
  const outOfOrder = sum((seen) => seen.outOfOrder);
  return {
    published: messages,
    clients: CLIENTS,
    received: sum((seen) => seen.received),
    lost: messages * CLIENTS - (sum((seen) => seen.received) - doubled - outOfOrder),
    doubled,
    outOfOrder,
  };
}
