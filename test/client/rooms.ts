import { roomName } from "../../contract/stream.ts";
import { openTable } from "../../lambdas/managed-edge/table/open-table.ts";
import type { Edge } from "../support/edge.ts";
import type { Platform } from "../support/platform.ts";

/** A subscription that a test wants. */
export interface Wish {
  readonly channel: "market:prices" | "market:orderbook" | "market:trades";
  readonly marketId?: string;
}

/** Returns the room of a wish. */
export const roomOf = ({ channel, marketId }: Wish): string =>
  roomName({ channel, ...(marketId === undefined ? {} : { key: marketId }) });

/** Resolves with the market rooms of a gateway's only client. A gateway leaves a room seconds after its last subscriber. */
export async function gatewayRooms({ commands }: Platform): Promise<string[]> {
  const channels = (await commands.call("PUBSUB", "SHARDCHANNELS")) as unknown[];
  return channels
    .map((channel) => /#(\{market:.*?)(?:~changes)?#$/.exec(String(channel))?.[1])
    .filter((room) => room !== undefined)
    .toSorted();
}

/** Resolves with the rooms that the managed edge's table has for all open connections. */
export async function edgeRooms({ api }: Edge): Promise<string[]> {
  const { connections } = openTable(String(process.env.RT_EDGE_TABLE));
  const states = await Promise.all(api.connectionIds().map((id) => connections.find(id)));
  return states.flatMap((state) => [...(state?.subscriptions.keys() ?? [])]).toSorted();
}
