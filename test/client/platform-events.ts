/** Installs the global events of a browser in this process, until `restore` is called. */
export function installPlatformEvents() {
  const platform = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const names = ["addEventListener", "removeEventListener", "document"] as const;
  const before = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
  const listeners = new Map<unknown, string>();
  Object.assign(globalThis, {
    addEventListener(name: string, listener: () => void) {
      listeners.set(listener, name);
      platform.addEventListener(name, listener);
    },
    removeEventListener(name: string, listener: () => void) {
      listeners.delete(listener);
      platform.removeEventListener(name, listener);
    },
    document,
  });
  return {
    /** Returns the names of the global events that have a listener. */
    listened: () => [...listeners.values()],
    emit: (name: "online" | "offline") => platform.dispatchEvent(new Event(name)),
    show(visibilityState: "visible" | "hidden") {
      document.visibilityState = visibilityState;
      document.dispatchEvent(new Event("visibilitychange"));
    },
    restore() {
      for (const [index, name] of names.entries()) {
        const descriptor = before[index];
        if (descriptor) Object.defineProperty(globalThis, name, descriptor);
        else Reflect.deleteProperty(globalThis, name);
      }
    },
  };
}
