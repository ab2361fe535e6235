const HOUR = 3_600;

/** A load over time. */
export interface Scenario {
  readonly name: string;
  readonly seconds: number;
  /** Returns the number of clients that want to be connected. */
  readonly clients: (second: number) => number;
  /** The second at which a zone is lost. */
  readonly zoneLostAt?: number;
}

/** Returns a number between two, along a straight line. */
const between = (from: number, to: number, share: number): number =>
  from + (to - from) * Math.min(1, Math.max(0, share));

/** Few at night, most at 15:00: 5,000 to 60,000. */
const ofDay = (second: number): number => {
  const hour = (second / HOUR) % 24;
  const wave = (1 - Math.cos(((hour - 3) / 24) * 2 * Math.PI)) / 2;
  return 5_000 + 55_000 * wave ** 2;
};

const SPIKE_AT = 2 * HOUR;
const SPIKE_SECONDS = 120;

export const scenarios: readonly Scenario[] = [
  { name: "three days of 5,000 to 60,000", seconds: 72 * HOUR, clients: ofDay },
  {
    name: "20,000 to 100,000 within 2 min",
    seconds: 6 * HOUR,
    clients: (second) =>
      second < 3 * HOUR
        ? between(20_000, 100_000, (second - SPIKE_AT) / SPIKE_SECONDS)
        : between(100_000, 20_000, (second - 3 * HOUR) / HOUR),
  },
  { name: "a zone lost at 50,000", seconds: 4 * HOUR, clients: () => 50_000, zoneLostAt: 2 * HOUR },
  { name: "a zone lost at the day's peak", seconds: 24 * HOUR, clients: ofDay, zoneLostAt: 15 * HOUR },
];
