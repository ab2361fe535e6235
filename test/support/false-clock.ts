import { createClocks } from "../../drill/clocks.ts";

/** A wall clock for a process that can be set wrong, by libfaketime. */
export interface FalseClock {
  /** Variables that the process needs. */
  readonly environment: Readonly<Record<string, string>>;
  /** Sets the clock ahead (or behind, where negative) from now on. */
  set(seconds: number): Promise<void>;
  remove(): Promise<void>;
}

/** Makes a clock; its time is this machine's until `set` is called. */
export async function createFalseClock(): Promise<FalseClock> {
  const clocks = await createClocks();
  return {
    environment: clocks.environmentOf(0),
    set: async (seconds) => clocks.set(0, seconds),
    remove: () => clocks.close(),
  };
}
