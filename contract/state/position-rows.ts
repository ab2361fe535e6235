import { compareText } from "../compare-text.ts";

/** What tells the positions of a portfolio apart. */
export interface PositionIdentity {
  readonly outcome: string;
  readonly exchange: string;
  readonly marketId: string;
}

/** Returns the key of a position's row: `<outcome>:<exchange>:<marketId>`, the last two percent-encoded. */
export const positionKey = ({ outcome, exchange, marketId }: PositionIdentity): string =>
  `${outcome}:${encodeURIComponent(exchange)}:${encodeURIComponent(marketId)}`;

/**
 * Returns positions in the order of their row keys, which is the canonical one. Of several of one market, exchange and
 * outcome the last one counts.
 */
export function inRowOrder<P extends PositionIdentity>(positions: readonly P[]): P[] {
  const byKey = new Map(positions.map((position) => [positionKey(position), position]));
  return [...byKey].toSorted(([a], [b]) => compareText(a, b)).map(([, position]) => position);
}
