import type { RealtimeClient } from "../index.ts";

/** The part of React Native's `AppState` that is used here. */
export interface AppStateLike {
  /** `active`, `background`, on iOS also `inactive`; null or `unknown` at the start. */
  readonly currentState: string | null | undefined;
  addEventListener(type: "change", listener: (state: string) => void): { remove(): void };
}

export interface BackgroundOptions {
  readonly client: Pick<RealtimeClient, "pause" | "resume" | "reconnect" | "probe">;
  readonly appState: AppStateLike;
  /** Time in the background after which the app disconnects, in ms, so that a short look at another app costs nothing. */
  readonly graceMs: number;
}

/**
 * Checks a connection that was kept in the background. The system stops the timers of an app that sleeps: after more than
 * `graceMs` the connection is dead without a sign and is replaced, after less it is probed.
 */
function onForeground({ client, graceMs }: BackgroundOptions, awayMs: number): void {
  if (awayMs > graceMs) client.reconnect();
  else client.probe();
}

/**
 * Disconnects `graceMs` after the app went to the background, and resumes in the foreground, until the returned function is
 * called. `inactive` (iOS: an incoming call, the app switcher) does not count as background.
 */
export function pauseInBackground(options: BackgroundOptions): () => void {
  const { client, appState, graceMs } = options;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** The time at which the app went to the background, in ms since 1970. */
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
