import { atom } from "jotai";
import { atomWithStorage, createJSONStorage } from "jotai/utils";
import type { Depth, Edge } from "../../../client/index.ts";

export type Theme = "dark" | "light";

/** The section that a phone shows, where there is room for one. */
export type View = "markets" | "market" | "account" | "signals" | "status";

// Of one tab: two tabs can be two users, which is how to see that nobody gets anybody else's orders.
const perTab = createJSONStorage<string | null>(() => sessionStorage);

/** The signed-in user; null for nobody. */
export const userAtom = atomWithStorage<string | null>("vezta-user", null, perTab, { getOnInit: true });

/** The theme that the user chose; null follows the system. */
export const chosenThemeAtom = atomWithStorage<Theme | null>("vezta-theme", null, undefined, { getOnInit: true });

/** Price levels a side that the order book follows. Undefined for all of them. */
export const bookDepthAtom = atom<Depth | undefined>(50);

/** Which of the two edges the page is connected to. */
export const edgeAtom = atom<Edge>("gateway");
export const selectedMarketAtom = atom<string | null>(null);
export const viewAtom = atom<View>("markets");
