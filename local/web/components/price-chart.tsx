import { AreaSeries, createChart, type IChartApi, type ISeriesApi } from "lightweight-charts";
import { useEffect, useRef } from "react";
import { usePage } from "../state/page-context.ts";
import type { Theme } from "../state/session.ts";

interface PriceChartProps {
  readonly marketId: string;
  readonly title: string;
  readonly theme: Theme;
  /** Otherwise it is drawn in the colours of what is not live. */
  readonly isLive: boolean;
}

interface Chart {
  readonly chart: IChartApi;
  readonly series: ISeriesApi<"Area">;
}

function draw(container: HTMLElement): Chart {
  const chart = createChart(container, {
    autoSize: true,
    layout: {
      background: { color: "transparent" },
      attributionLogo: false,
      fontFamily: getComputedStyle(container).fontFamily,
      fontSize: 11,
    },
    grid: { vertLines: { visible: false } },
    timeScale: { timeVisible: true, secondsVisible: true, borderVisible: false, rightOffset: 4 },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.12, bottom: 0.12 } },
    crosshair: { horzLine: { labelVisible: true } },
    localization: { priceFormatter: (value: number) => `${value.toFixed(1)}¢` },
  });
  const series = chart.addSeries(AreaSeries, {
    lineWidth: 2,
    priceFormat: { type: "price", precision: 1, minMove: 0.1 },
  });
  return { chart, series };
}

/** Takes the colours of the style sheet as they are where the chart is. */
function paint({ chart, series }: Chart): void {
  const styles = getComputedStyle(chart.chartElement());
  const colour = (name: string): string => styles.getPropertyValue(name).trim();
  chart.applyOptions({
    layout: { textColor: colour("--muted") },
    grid: { horzLines: { color: colour("--border") } },
  });
  series.applyOptions({
    lineColor: colour("--line"),
    topColor: colour("--line-wash"),
    bottomColor: "transparent",
  });
}

/** Charts the YES price of one market over the last minutes. */
export function PriceChart({ marketId, title, theme, isLive }: PriceChartProps) {
  const { history } = usePage();
  const container = useRef<HTMLDivElement>(null);
  const drawn = useRef<Chart>(undefined);

  useEffect(() => {
    if (!container.current) return undefined;
    const chart = draw(container.current);
    drawn.current = chart;
    return () => {
      drawn.current = undefined;
      chart.chart.remove();
    };
  }, []);

  // The document takes on a theme in an effect of its parent, which runs after this one: hence the frame in between.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours follow the theme and the panel
  useEffect(() => {
    const frame = requestAnimationFrame(() => drawn.current && paint(drawn.current));
    return () => cancelAnimationFrame(frame);
  }, [theme, isLive]);

  useEffect(() => {
    const { current } = drawn;
    if (!current) return undefined;
    const load = (): void => {
      current.series.setData(history.pointsOf(marketId));
      current.chart.timeScale().scrollToRealTime();
    };
    load();
    return history.listen(marketId, { onPoint: (point) => current.series.update(point), onFilled: load });
  }, [history, marketId]);

  return <div className="chart" ref={container} role="img" aria-label={`Price of a Yes share: ${title}`} />;
}
