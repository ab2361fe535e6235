import * as z from "zod";
import { connectSocketIo } from "../smoke/connection.ts";
import { connectManagedEdge } from "../smoke/managed-edge-connection.ts";

const TIMEOUT_MS = 10_000;

const priced = z.looseObject({ marketId: z.string() });

/** Finds the markets of an endpoint: those of which the channel of prices gives a snapshot. */
export async function findMarkets(url: URL): Promise<readonly string[]> {
  const start = /^wss?:$/.test(url.protocol) ? connectManagedEdge : connectSocketIo;
  const connection = await start({ url, token: undefined, timeoutMs: TIMEOUT_MS });
  const markets = new Set<string>();
  const { promise, resolve } = Promise.withResolvers<void>();
  connection.onData((message) => {
    const { data } = priced.safeParse(message);
    if (data) markets.add(data.marketId);
  });
  try {
    await connection.ask("subscribe", { channel: "market:prices" });
    // The snapshot follows the answer.
    setTimeout(resolve, 1_000);
    await promise;
    return [...markets].sort();
  } finally {
    connection.close();
  }
}
