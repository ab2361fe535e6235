import { createElement, useCallback } from "react";
import { AppState } from "react-native";
import type { RealtimeClient } from "../index.ts";
import {
  RealtimeProvider as ReactRealtimeProvider,
  type RealtimeProviderProps as ReactRealtimeProviderProps,
} from "../react/index.ts";
import { pauseInBackground } from "./app-state.ts";

export interface RealtimeProviderProps extends Omit<ReactRealtimeProviderProps, "onClient"> {
  /** How long the app may be in the background before it disconnects, in ms; 0 for at once. @default 5_000 */
  readonly graceMs?: number;
}

/** As the web's provider; besides, it disconnects in the background and resumes by ids in the foreground. */
export function RealtimeProvider({ graceMs = 5_000, ...props }: RealtimeProviderProps) {
  const onClient = useCallback(
    (client: RealtimeClient) => pauseInBackground({ client, appState: AppState, graceMs }),
    [graceMs],
  );
  return createElement(ReactRealtimeProvider, { ...props, onClient });
}
