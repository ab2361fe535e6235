import type { Portfolio } from "../../contract/payloads/user.ts";

type Positions = Portfolio["positions"];
type Position = Positions[number];

/** What tells positions apart, as it is sent. No two ids give the same text, since a control character is in none. */
const nameOf = ({ outcome, exchange, marketId }: Partial<Position>): string => `${outcome}\n${exchange}\n${marketId}`;

const compared = ["outcomeLabel", "size", "averagePrice", "currentPrice", "value", "profit"] as const;

const isSame = (a: Partial<Position>, b: Position): boolean => compared.every((field) => a[field] === b[field]);

const indexes = new WeakMap<Positions, ReadonlyMap<string, number>>();

/** Returns the places of positions by their names. */
function indexOf(positions: Positions): ReadonlyMap<string, number> {
  const known = indexes.get(positions);
  const index = known ?? new Map(positions.map((position, place) => [nameOf(position), place]));
  if (!known) indexes.set(positions, index);
  return index;
}

/**
 * Reads a whole portfolio by the one before it: `parse` gets it with only the positions that the other has not, letter for
 * letter. The result shares what is the same with the one before.
 *
 * @param parse reads a portfolio; undefined where it is not valid.
 * @returns undefined where the portfolio has to be read as a whole: it is not valid, or has a position that the other has not.
 */
export function parseByKnownPositions(
  known: Portfolio,
  sent: Readonly<Record<string, unknown>>,
  parse: (sent: unknown) => Portfolio | undefined,
): Portfolio | undefined {
  if (!Array.isArray(sent.positions)) return undefined;
  const index = indexOf(known.positions);
  const found = new Map<number, Position>();
  const unread: unknown[] = [];
  for (const position of sent.positions as readonly unknown[]) {
    const fields: Partial<Position> = Object(position);
    const place = index.get(nameOf(fields));
    const counterpart = place === undefined ? undefined : known.positions[place];
    if (place === undefined || counterpart === undefined || found.has(place)) return undefined;
    found.set(place, counterpart);
    if (!isSame(fields, counterpart)) unread.push(position);
  }
  const parsed = parse({ ...sent, positions: unread });
  if (!parsed) return undefined;
  for (const position of parsed.positions) {
    const place = index.get(nameOf(position));
    if (place === undefined) return undefined;
    found.set(place, position);
  }
  const isUnchanged = unread.length === 0 && found.size === known.positions.length;
  // In the order of the known ones, which is the canonical one.
  const positions = known.positions.flatMap((_, place) => found.get(place) ?? []);
  return { ...parsed, positions: isUnchanged ? known.positions : positions };
}
