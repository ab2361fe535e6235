import { setTimeout as delay } from "node:timers/promises";
import type { BenchPage } from "./browser.ts";

/** CPU of a page's main thread per second: in all, in scripts, and in styles and layout. In ms. */
export interface MainThreadUse {
  readonly mainThreadMs: number;
  readonly scriptMs: number;
  readonly layoutMs: number;
}

/**
 * Watches a page for some time. Resolves with what its main thread did, and with how much each counter grew in a second.
 *
 * @param read reads the counters
 */
export async function watchPage<Name extends string>(
  page: BenchPage,
  seconds: number,
  read: () => Promise<Readonly<Record<Name, number>>>,
): Promise<{ readonly use: MainThreadUse; readonly rates: Readonly<Record<Name, number>> }> {
  const [before, first, start] = [await page.mainThread(), await read(), performance.now()];
  await delay(seconds * 1_000);
  const [after, last] = [await page.mainThread(), await read()];
  const elapsed = (performance.now() - start) / 1_000;
  const perSecond = (...names: readonly string[]): number => {
    const spent = names.reduce((sum, name) => sum + (after[name] ?? 0) - (before[name] ?? 0), 0);
    return Math.round((spent / elapsed) * 1_000);
  };
  const names = Object.keys(first) as Name[];
  const rates = names.map((name) => [name, Math.round((last[name] - first[name]) / elapsed)]);
  return {
    use: {
      mainThreadMs: perSecond("TaskDuration"),
      scriptMs: perSecond("ScriptDuration"),
      layoutMs: perSecond("LayoutDuration", "RecalcStyleDuration"),
    },
    rates: Object.fromEntries(rates) as Record<Name, number>,
  };
}
