/** Compares two texts by their UTF-16 code units: negative where `a` comes first, 0 where they are the same. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
