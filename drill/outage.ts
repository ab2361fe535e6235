import type { Violation } from "./second-judge/index.js";
import type { World } from "./world.ts";

/** Effects of a fault, for the evaluation of its round. Times are in ms since 1970. */
export interface Outage {
  /** Start and end of the fault. */
  readonly from: number;
  readonly until: number;
  /** Names of the streams whose way from Redis to the gateways was concerned. */
  readonly streams: ReadonlySet<string>;
  /** By stream name, the number of gateways that certainly received nothing written to the stream meanwhile. */
  readonly deaf: ReadonlyMap<string, number>;
  /** Effects in numbers: connections that went silent, keys moved. */
  readonly did: Readonly<Record<string, number>>;
  /** True if Redis may have lost acknowledged writes. */
  readonly losesWrites?: boolean;
  /** True if ids were made by a clock that was wrong, so that they say nothing about times. */
  readonly hasWrongClock?: boolean;
  /** Tidies up while messages flow again. */
  readonly afterwards?: Promise<void>;
  /** Looks for what only this fault can break, once everything rests. */
  readonly inspect?: () => Promise<readonly Violation[]>;
  /** Removes what is left of the fault after the verdict. */
  readonly cleanUp?: () => Promise<void> | void;
}

/** One thing that goes wrong. */
export interface Fault {
  /** Share of all complete streams in which an entry is to be written but not published after the fault. */
  readonly injectedShare: number;
  /** True if it puts the clocks of Redis nodes forward or back, which needs libfaketime. */
  readonly needsClocks?: boolean;
  /** Lets it go wrong and resolves once the cause is gone; its consequences may not be. */
  strike(world: World): Promise<Outage>;
}

/** The share of the streams for faults that are about something else. */
export const FEW = 1 / 6;

export const NOTHING = { streams: new Set<string>(), deaf: new Map<string, number>(), did: {} };

/** Notes from when until when a fault holds. */
export async function timed(strike: () => Promise<void>): Promise<Outage> {
  const from = Date.now();
  await strike();
  return { ...NOTHING, from, until: Date.now() };
}
