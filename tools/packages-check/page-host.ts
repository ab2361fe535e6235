/** Runs a built page without a browser until it shows a text: `node page-host.ts SCRIPT URL TEXT`. */
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { Window } from "happy-dom";

const [script = "", url = "", text = ""] = process.argv.slice(2);

/** Longest wait; a machine under load takes seconds for what takes milliseconds otherwise. */
const LIMIT_MS = 60_000;

const window = new Window({ url });
window.document.body.innerHTML = '<div id="root"></div>';
for (const name of [
  "document",
  "navigator",
  "location",
  "HTMLElement",
  "HTMLIFrameElement",
  "Node",
  "Element",
] as const) {
  Object.defineProperty(globalThis, name, { value: window[name], configurable: true });
}
// Node's own WebSocket stays: it is the one that reaches the gateway.
Object.assign(globalThis, {
  window,
  MutationObserver: window.MutationObserver,
  requestAnimationFrame: window.requestAnimationFrame.bind(window),
});

await import(pathToFileURL(script).href);
const deadline = Date.now() + LIMIT_MS;
while (!window.document.body.textContent.includes(text)) {
  if (Date.now() > deadline) {
    console.error(`the page does not show "${text}" but "${window.document.body.textContent}"`);
    process.exit(1);
  }
  await delay(50);
}
process.exit();
