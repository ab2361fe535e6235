/** Installs the global events of a browser in this process, until `restore` is called. */
export function installPlatformEvents() {
  const platform = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const names = ["addEventListener", "removeEventListener", "document"] as const;
  const before = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
  Object.assign(globalThis, {
    addEventListener: platform.addEventListener.bind(platform),
    removeEventListener: platform.removeEventListener.bind(platform),
    document,
  });
  return {
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
