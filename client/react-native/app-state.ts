import type { RealtimeClient } from "../index.ts";

/** What is used of React Native's `AppState`. */
export interface AppStateLike {
  /** `active`, `background`, on iOS also `inactive`; null or `unknown` until the app knows. */
  readonly currentState: string | null | undefined;
  addEventListener(type: "change", listener: (state: string) => void): { remove(): void };
}

export interface BackgroundOptions {
  readonly client: Pick<RealtimeClient, "pause" | "resume" | "reconnect" | "probe">;
  readonly appState: AppStateLike;
  /** How long the app may be in the background before it disconnects, in ms: a glance at another app costs nothing. */
  readonly graceMs: number;
}

/**
 * Sees to a connection that the app had kept while it was in the background. The system stops the timers of an app that
 * sleeps: the connection of one that slept longer than `graceMs` is dead by now and does not know it; whether that of one
 * that slept less still answers is found out.
 */
function onForeground({ client, graceMs }: BackgroundOptions, awayMs: number): void {
  if (awayMs > graceMs) client.reconnect();
  else client.probe();
}

/**
 * Disconnects a while after the app went to the background, and resumes by ids in the foreground, until the function
 * that it returns is called. `inactive` (iOS: an incoming call, the app switcher) is no background.
 */
export function pauseInBackground(options: BackgroundOptions): () => void {
  const { client, appState, graceMs } = options;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** When the app went to the background, in ms since 1970. */
  let since: number | undefined;
  let isPaused = false;
  const onChange = (state: string | null | undefined): void => {
    if (state === "background" && since === undefined) {
      since = Date.now();
      timer = setTimeout(() => {
        isPaused = true;
        client.pause();
      }, graceMs);
    } else if (state === "active" && since !== undefined) {
      clearTimeout(timer);
      if (isPaused) client.resume();
      else onForeground(options, Date.now() - since);
      since = undefined;
      isPaused = false;
    }
  };
  const subscription = appState.addEventListener("change", onChange);
  onChange(appState.currentState);
  return () => {
    clearTimeout(timer);
    subscription.remove();
  };
}
