/** Says why a value is refused and how to send it, in one sentence that follows the name of its field. */
export class Refusal {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

const MAXIMUM_QUOTED_LENGTH = 40;

/** Quotes a refused value for a message, shortened where it is long. */
export function quote(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (typeof value !== "string") return `a value of type ${Array.isArray(value) ? "array" : typeof value}`;
  return JSON.stringify(value.length > MAXIMUM_QUOTED_LENGTH ? `${value.slice(0, MAXIMUM_QUOTED_LENGTH)}…` : value);
}
