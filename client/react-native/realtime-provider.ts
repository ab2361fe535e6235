import { createElement, useCallback } from "react";
import { AppState } from "react-native";
import type { RealtimeClient } from "../index.ts";
import {
  RealtimeProvider as ReactRealtimeProvider,
  type RealtimeProviderProps as ReactRealtimeProviderProps,
} from "../react/index.ts";
import { pauseInBackground } from "./app-state.ts";

export interface RealtimeProviderProps extends Omit<ReactRealtimeProviderProps, "onClient"> {
  /** Time in the background after which the app disconnects, in ms; 0 to disconnect immediately. @default 5_000 */
  readonly graceMs?: number;
}

/** Works like the provider for the web, and also disconnects in the background and resumes in the foreground. */
export function RealtimeProvider({ graceMs = 5_000, ...props }: RealtimeProviderProps) {
  const onClient = useCallback(
    (client: RealtimeClient) => pauseInBackground({ client, appState: AppState, graceMs }),
    [graceMs],
  );
  return createElement(ReactRealtimeProvider, { ...props, onClient });
}
