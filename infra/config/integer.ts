import * as z from "zod";

/** Returns the schema of a whole number within bounds, which its error names. */
export const integer = (minimum: number, maximum: number) => {
  const error = `must be a whole number from ${minimum} to ${maximum}`;
  return z.int(error).min(minimum, error).max(maximum, error);
};
