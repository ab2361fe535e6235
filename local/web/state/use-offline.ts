import { useSyncExternalStore } from "react";
import { usePage } from "./page-context.ts";

/** Returns since when the browser has no network, in ms since 1970; undefined while there is one. */
export function useOfflineSince(): number | undefined {
  const { reachability } = usePage();
  return useSyncExternalStore(reachability.subscribe, reachability.getOfflineSince);
}
