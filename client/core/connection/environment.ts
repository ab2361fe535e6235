/** Handles the global events of a platform that has them (a browser). */
export interface EnvironmentListener {
  onOnline(): void;
  onOffline(): void;
  /** Called each time that the page becomes visible. */
  onVisible(): void;
}

type Events = Partial<Pick<EventTarget, "addEventListener" | "removeEventListener">>;

interface Platform {
  readonly document?: Events & { readonly visibilityState?: string };
}

function listen(target: Events | undefined, event: string, listener: () => void): () => void {
  if (!target?.addEventListener || !target.removeEventListener) return () => undefined;
  target.addEventListener(event, listener);
  return () => target.removeEventListener?.(event, listener);
}

/** Calls the listener with the events that the platform has, until the returned function is called. */
export function watchEnvironment({ onOnline, onOffline, onVisible }: EnvironmentListener): () => void {
  const platform: Events = globalThis as Events;
  const { document } = globalThis as Platform;
  const stops = [
    listen(platform, "online", onOnline),
    listen(platform, "offline", onOffline),
    listen(document, "visibilitychange", () => document?.visibilityState === "visible" && onVisible()),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
