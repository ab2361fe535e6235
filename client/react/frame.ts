/** Work that waits for the next frame; one pass for all that asked meanwhile, so that React renders once. */
const waiting = new Set<() => void>();

function run(): void {
  const tasks = [...waiting];
  waiting.clear();
  for (const task of tasks) task();
}

interface FrameSource {
  readonly requestAnimationFrame?: (callback: () => void) => unknown;
  readonly document?: { readonly hidden?: boolean };
}

/** A hidden page has no frames: what waits is done at this pace there, in ms. */
const HIDDEN_PERIOD_MS = 250;

/** Runs a task once before the next frame is drawn, however often it is asked for until then. */
export function onNextFrame(task: () => void): void {
  const isFirst = waiting.size === 0;
  waiting.add(task);
  if (!isFirst) return;
  const { requestAnimationFrame, document } = globalThis as FrameSource;
  if (requestAnimationFrame && document?.hidden !== true) requestAnimationFrame(run);
  else setTimeout(run, HIDDEN_PERIOD_MS);
}

export const cancelFrame = (task: () => void): void => void waiting.delete(task);
