import { createContext, useContext } from "react";
import type { PlatformConfig } from "../development-api.ts";
import { PriceHistory } from "./price-history.ts";
import { Reachability } from "./reachability.ts";
import { StreamMonitor } from "./stream-monitor.ts";

/** Objects that the whole page shares, the same for as long as it is open. */
export interface PageContext {
  readonly config: PlatformConfig;
  readonly monitor: StreamMonitor;
  readonly history: PriceHistory;
  readonly reachability: Reachability;
  /** The question that a market asks; of one that the platform does not list, its id. */
  readonly titleOf: (marketId: string) => string;
}

export function createPageContext(config: PlatformConfig): PageContext {
  const titles = new Map(config.markets.map(({ id, title }) => [id, title]));
  return {
    config,
    monitor: new StreamMonitor(),
    history: new PriceHistory(),
    reachability: new Reachability(),
    titleOf: (marketId) => titles.get(marketId) ?? marketId,
  };
}

export const PageContextProvider = createContext<PageContext | undefined>(undefined);

/** @throws Error outside of the page. */
export function usePage(): PageContext {
  const page = useContext(PageContextProvider);
  if (!page) throw new Error("usePage is called outside of the page");
  return page;
}
