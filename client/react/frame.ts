/** Tasks for the next frame, which run in one pass so that React renders once. */
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

/** Time between passes in a hidden page, which has no frames, in ms. */
const HIDDEN_PERIOD_MS = 250;

/** Runs a task once before the next frame is drawn, however often it is requested until then. */
export function onNextFrame(task: () => void): void {
  const isFirst = waiting.size === 0;
  waiting.add(task);
  if (!isFirst) return;
  const { requestAnimationFrame, document } = globalThis as FrameSource;
  if (requestAnimationFrame && document?.hidden !== true) requestAnimationFrame(run);
  else setTimeout(run, HIDDEN_PERIOD_MS);
}

/** Removes a task from the next frame. */
export const cancelFrame = (task: () => void): void => void waiting.delete(task);
