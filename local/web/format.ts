const whole = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** A price from 0 to 1 as cents: `"0.423"` is `42.3¢`. */
export const cents = (price: string): string => `${(Number(price) * 100).toFixed(1)}¢`;

/** An amount of money with two decimals and its sign kept: `"-1204.5"` is `-$1,204.50`. */
export function money(amount: string): string {
  const value = Number(amount);
  const digits = Math.abs(value).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return `${value < 0 ? "-" : ""}$${digits}`;
}

/** A gain or loss, always with its sign. */
export const signedMoney = (amount: string): string => (Number(amount) > 0 ? `+${money(amount)}` : money(amount));

/** A whole number with separators. */
export const count = (value: number): string => whole.format(value);

/** A number in few characters: 12,400 is `12.4K`. */
export const short = (value: number): string => compact.format(value);

/** The time of day, of milliseconds since 1970. */
export const timeOfDay = (time: number): string => clock.format(time);

/** Formats a duration: `0.4 s`, `12 s`, `3 min`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

/** `partially_filled` as people read it: `Partially filled`. */
export const label = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
