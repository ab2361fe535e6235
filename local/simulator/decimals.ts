/** A whole number of parts as a decimal: `decimal(423, 3)` is `"0.423"`. Keeps floats out of money. */
export function decimal(parts: number, places: number): string {
  const digits = String(Math.abs(Math.round(parts))).padStart(places + 1, "0");
  const text = `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  return parts < 0 && Number(text) !== 0 ? `-${text}` : text;
}

/** A price in thousandths. */
export const price = (thousandths: number): string => decimal(thousandths, 3);

/** Money in cents. */
export const money = (cents: number): string => decimal(cents, 2);
