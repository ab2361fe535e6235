import { setTimeout as delay } from "node:timers/promises";
import { signalOnline } from "./global-events.ts";
import { marketChannels, markets, named, users } from "./messages.ts";
import { storm } from "./mount-storm.ts";
import { type Fault, type Outage, timed } from "./outage.ts";
import type { World } from "./world.ts";

const SILENT_MS = 3_000;
const ORDERS = 5;

/** Old connections of all clients forward nothing any more, as after a change of networks; new ones work. */
async function changeNetworks({ second }: World, hasSignal: boolean): Promise<Outage> {
  let connections = 0;
  const outage = await timed(async () => {
    connections = second.gatewayLink.silence() + second.edgeLink.silence();
    if (hasSignal) signalOnline();
    await delay(SILENT_MS);
  });
  const cleanUp = (): void => {
    second.gatewayLink.clear();
    second.edgeLink.clear();
  };
  return { ...outage, did: { "connections silent": connections }, cleanUp };
}

/** Producers whose events overtake each other, and that repeat them: what is older comes after what is newer. */
async function disorder({ feed }: World): Promise<Outage> {
  let states = 0;
  const offer = async (channel: "user:orders" | "user:portfolio" | "user:copy-trade", key: string): Promise<void> => {
    for (let index = 0; index < ORDERS; index += 1) {
      const time = Date.now();
      const entity = channel === "user:portfolio" ? undefined : `entity-${time}-${index}`;
      const open = { time, entity, status: "open" } as const;
      const partial = { time: time + 1, entity, status: "partially_filled" } as const;
      const filled = { time: time + 2, entity, status: "filled" } as const;
      const offered = [open, filled, partial, open, filled].map(withoutUndefined);
      states += offered.length;
      await feed.offer(named({ channel, key }), offered);
    }
  };
  const outage = await timed(async () => {
    const channels = ["user:orders", "user:portfolio", "user:copy-trade"] as const;
    await Promise.all(users.slice(0, 4).flatMap((user) => channels.map((channel) => offer(channel, user))));
  });
  return { ...outage, did: { "states out of order": states } };
}

const withoutUndefined = <S extends { readonly entity: string | undefined }>({ entity, ...state }: S) =>
  entity === undefined ? state : { ...state, entity };

/** Faults of clients and producers. */
export const clientNemeses = {
  "wifi-to-lte": { injectedShare: 0, strike: (world: World) => changeNetworks(world, true) },
  "clients-silent": { injectedShare: 0, strike: (world: World) => changeNetworks(world, false) },
  "mount-storm": {
    injectedShare: 0,
    strike: (world: World) => storm(world, { wished: markets.slice(0, 10), channels: marketChannels }),
  },
  "producers-disorder": { injectedShare: 0, strike: disorder },
} as const satisfies Record<string, Fault>;
