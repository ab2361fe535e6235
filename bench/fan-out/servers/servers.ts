import { join } from "node:path";
import type { Contender } from "./contender.ts";
import { gatewayOf } from "./gateway.ts";
import { inProcesses } from "./processes.ts";
import { sendBundled, sendEach } from "./send-loop.ts";
import { socketcluster } from "./socketcluster.ts";
import { sharded, stock } from "./stock.ts";
import { uws } from "./uws.ts";
import { ws } from "./ws.ts";

const ROOT = join(import.meta.dirname, "../../..");

/**
 * The servers that can be compared, in the order of the tables.
 *
 * @param gatewayRoot the checkout whose gateway is measured; this one unless told otherwise.
 */
export const createServers = (gatewayRoot = ROOT) =>
  ({
    gateway: gatewayOf(gatewayRoot),
    stock,
    sharded,
    socketcluster,
    ws,
    uws,
    "c-each": sendEach,
    "c-bundled": sendBundled,
    whole: gatewayOf(gatewayRoot, { wantsChanges: false }),
    compressed: gatewayOf(gatewayRoot, { isCompressed: true }),
    "wide-window": gatewayOf(gatewayRoot, { windowMs: 25 }),
    "two-processes": inProcesses(gatewayOf(gatewayRoot), 2),
  }) satisfies Record<string, Contender>;

export type ServerName = keyof ReturnType<typeof createServers>;

export const serverNames = Object.keys(createServers()) as readonly ServerName[];

/** Ways to run the gateway that concern single shapes. */
const variants: readonly ServerName[] = ["whole", "compressed", "wide-window", "two-processes"];

/** Measured under a shape that does not say otherwise. */
export const usualServers = serverNames.filter((name) => !variants.includes(name));
