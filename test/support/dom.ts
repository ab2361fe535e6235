/**
 * A document for React to render into, beside Node's own network: the tests' servers are real, and the environment that
 * the test runner offers would put its own `fetch` and `WebSocket` in their place. Import it before React.
 */
import { Window } from "happy-dom";

const window = new Window({ url: "http://localhost/" });

/** Hides the page, or shows it again, as a browser does with a tab. */
export function setVisibility(state: "hidden" | "visible"): void {
  Object.defineProperty(window.document, "visibilityState", { value: state, configurable: true });
  window.document.dispatchEvent(new window.Event("visibilitychange"));
}

const names = [
  "document",
  "navigator",
  "HTMLElement",
  "HTMLIFrameElement",
  "Node",
  "Element",
  "MutationObserver",
] as const;
for (const name of names) Object.defineProperty(globalThis, name, { value: window[name], configurable: true });
const requestAnimationFrame = window.requestAnimationFrame.bind(window);
Object.assign(globalThis, { window, requestAnimationFrame });
