import { useAtomValue } from "jotai";
import { useSyncExternalStore } from "react";
import { wsStatusAtom } from "../../../client/react/index.ts";
import { label, timeOfDay } from "../format.ts";
import { usePage } from "./page-context.ts";
import type { ChannelReading } from "./stream-monitor.ts";
import { useOfflineSince } from "./use-offline.ts";

/** The connection as the page knows it. */
export interface ConnectionView {
  readonly status: "connected" | "connecting" | "disconnected" | "offline" | "silent";
  readonly text: string;
}

/** Returns since when nothing answers on any channel; undefined where something does, or nothing is subscribed. */
function silentSince(channels: readonly ChannelReading[]): number | undefined {
  const subscribed = channels.filter(({ status }) => status !== "off" && status !== "error");
  const times = subscribed.map(({ status, since }) => (status === "stale" ? since : Number.POSITIVE_INFINITY));
  const isSilent = times.some(Number.isFinite) && subscribed.every(({ status }) => status !== "live");
  return isSilent ? Math.min(...times) : undefined;
}

/** Returns how the connection is: one that is open but silent is not called connected. */
export function useConnection(): ConnectionView {
  const { monitor } = usePage();
  const { channels } = useSyncExternalStore(monitor.subscribe, monitor.getReading);
  const status = useAtomValue(wsStatusAtom);
  const offlineSince = useOfflineSince();
  if (offlineSince !== undefined) return { status: "offline", text: `Offline since ${timeOfDay(offlineSince)}` };
  const silence = status === "connected" ? silentSince(channels) : undefined;
  if (silence !== undefined) return { status: "silent", text: `No answer since ${timeOfDay(silence)}` };
  return { status, text: label(status) };
}
