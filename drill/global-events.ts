/** Global that events are dispatched on: a browser has one, Node does not. */
const target = new EventTarget();

/** Gives the platform's client, in this process, what it has in a browser. Calling it again does nothing. */
export function installGlobalEvents(): void {
  if ("addEventListener" in globalThis) return;
  Object.assign(globalThis, {
    addEventListener: target.addEventListener.bind(target),
    removeEventListener: target.removeEventListener.bind(target),
  });
}

/** Says what a browser says when it is back on a network. */
export const signalOnline = (): boolean => target.dispatchEvent(new Event("online"));
