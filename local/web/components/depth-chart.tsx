import { memo, useMemo } from "react";
import type { OutcomeBook, PriceLevel } from "../../../contract/payloads/order-book.ts";
import { type DepthScale, depthPath, depthScale, sharesOf } from "../depth-curve.ts";
import { cents, count, short } from "../format.ts";

/** Of the drawing's own units, which are stretched to the place that there is. */
const SIZE = 100;

/** Places for the middle price at which it does not run into the prices at the ends, in percent. */
const MIDDLE_FROM = 32;
const MIDDLE_TO = 68;

interface CurveProps {
  readonly side: "bids" | "asks";
  readonly levels: readonly PriceLevel[];
}

const Curve = memo(function Curve({ side, levels }: CurveProps) {
  const path = useMemo(() => depthPath(levels, side), [levels, side]);
  return <path className={side} d={path} />;
});

/** Turns prices and shares into the drawing's units: the path of a side is drawn anew only where its levels change. */
function toDrawing({ from, to, top }: DepthScale): string {
  const [x, y] = [SIZE / (to - from), SIZE / top];
  return `matrix(${x} 0 0 ${-y} ${-from * x} ${SIZE})`;
}

function describe(outcome: "yes" | "no", { bids, asks }: OutcomeBook): string {
  const side = (levels: readonly PriceLevel[], name: string): string => {
    const last = levels.at(-1);
    return last ? `${count(sharesOf(levels))} ${name} to ${cents(last.price)}` : `none ${name}`;
  };
  return `Depth of ${outcome === "yes" ? "Yes" : "No"}: ${side(bids, "bid down")}, ${side(asks, "asked up")}`;
}

function PriceAxis({ from, to, middle }: DepthScale) {
  const place = middle === undefined ? undefined : ((middle - from) / (to - from)) * 100;
  return (
    <div className="price-axis" aria-hidden="true">
      <span>{cents(String(from))}</span>
      {place === undefined ? null : (
        <span className="middle" style={{ left: `${Math.min(MIDDLE_TO, Math.max(MIDDLE_FROM, place))}%` }}>
          {cents(String(middle))}
        </span>
      )}
      <span>{cents(String(to))}</span>
    </div>
  );
}

interface DepthChartProps {
  readonly book: OutcomeBook;
  readonly outcome: "yes" | "no";
}

/** Charts the shares that are bid and asked up to each price. */
export function DepthChart({ book, outcome }: DepthChartProps) {
  const scale = useMemo(() => depthScale(book), [book]);
  return (
    <div className="depth-chart">
      <svg role="img" aria-label={describe(outcome, book)} viewBox={`0 0 ${SIZE} ${SIZE}`} preserveAspectRatio="none">
        <path className="grid" d={`M0 0H${SIZE}M0 ${SIZE / 2}H${SIZE}M0 ${SIZE}H${SIZE}`} />
        {scale ? (
          <g transform={toDrawing(scale)}>
            <Curve side="bids" levels={book.bids} />
            <Curve side="asks" levels={book.asks} />
          </g>
        ) : null}
      </svg>
      <div className="share-axis" aria-hidden="true">
        {scale ? [scale.top, scale.top / 2, 0].map((shares) => <span key={shares}>{short(shares)}</span>) : null}
      </div>
      {scale ? <PriceAxis {...scale} /> : null}
    </div>
  );
}
