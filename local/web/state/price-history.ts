import type { UTCTimestamp } from "lightweight-charts";

/** Seconds kept of each market. */
const MAXIMUM_POINTS = 900;

export interface PricePoint {
  readonly time: UTCTimestamp;
  /** YES price in cents. */
  readonly value: number;
}

export interface HistoryListener {
  /** A newer point, or another value for the newest. */
  readonly onPoint: (point: PricePoint) => void;
  /** Older points have come in. */
  readonly onFilled: () => void;
}

class MarketHistory {
  readonly points = new Map<UTCTimestamp, number>();
  readonly listeners = new Set<HistoryListener>();
  newest: UTCTimestamp | undefined;
  isFilling = false;
}

/** @param time ms since 1970 */
const toSecond = (time: number): UTCTimestamp => Math.floor(time / 1_000) as UTCTimestamp;

/** The prices of every market, one a second: what the chart of a market begins with. */
export class PriceHistory {
  readonly #markets = new Map<string, MarketHistory>();

  /** @param time ms since 1970 */
  add(marketId: string, time: number, value: number): void {
    const market = this.#marketOf(marketId);
    const second = toSecond(time);
    if (market.newest !== undefined && second < market.newest) return;
    market.newest = second;
    market.points.set(second, value);
    const [oldest] = market.points.keys();
    if (oldest !== undefined && market.points.size > MAXIMUM_POINTS) market.points.delete(oldest);
    for (const { onPoint } of market.listeners) onPoint({ time: second, value });
  }

  /** Takes a price from before the page was opened; one that is known for that second stays. */
  fill(marketId: string, time: number, value: number): void {
    const market = this.#marketOf(marketId);
    const second = toSecond(time);
    if (market.points.has(second) || market.points.size >= MAXIMUM_POINTS) return;
    market.points.set(second, value);
    if (market.newest === undefined || second > market.newest) market.newest = second;
    if (market.isFilling) return;
    market.isFilling = true;
    // They come by the hundred: once for all of them.
    setTimeout(() => {
      market.isFilling = false;
      for (const { onFilled } of market.listeners) onFilled();
    }, 0);
  }

  /** Oldest first. */
  pointsOf(marketId: string): PricePoint[] {
    const points = [...this.#marketOf(marketId).points].map(([time, value]) => ({ time, value }));
    return points.sort((a, b) => a.time - b.time);
  }

  listen(marketId: string, listener: HistoryListener): () => void {
    const { listeners } = this.#marketOf(marketId);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  #marketOf(marketId: string): MarketHistory {
    const market = this.#markets.get(marketId) ?? new MarketHistory();
    this.#markets.set(marketId, market);
    return market;
  }
}
