import { median, type Spread, spread } from "../fan-out/statistics.ts";

/** The stages of a cold start, in their order, with what each is. */
export const stages = ["boot", "load", "connect", "publish"] as const;

export type Stage = (typeof stages)[number];

/** Durations of the stages of one cold start, and of all of it, in ms. */
export type ColdStart = Readonly<Record<Stage | "cold", number>>;

/** One process: its cold start, and the median of its later invocations. */
export type StartSample = ColdStart & { readonly warm: number };

export interface SampledStart {
  readonly name: string;
  readonly samples: readonly StartSample[];
}

/** When what happened, in ms since 1970. */
export interface StartTimes {
  readonly spawnedAt: number;
  readonly startedAt: number;
  readonly loadedAt: number;
  readonly calledAt: number;
  /** The publish script reached Redis. */
  readonly scriptAt: number;
  readonly publishedAt: number;
}

/** Splits the time from the start of the process to the message in Redis. */
export const stagesOf = (times: StartTimes): ColdStart => ({
  boot: times.startedAt - times.spawnedAt,
  load: times.loadedAt - times.startedAt,
  connect: times.scriptAt - times.calledAt,
  publish: times.publishedAt - times.scriptAt,
  cold: times.publishedAt - times.spawnedAt,
});

/** One line of the result, in ms. */
export interface StartRow {
  readonly name: string;
  readonly runs: number;
  readonly stages: Readonly<Record<Stage | "cold" | "warm", Spread>>;
  /** Cold over warm in the same process; the median of the runs. */
  readonly timesWarm: number;
}

export const toStartRows = (measured: readonly SampledStart[]): readonly StartRow[] =>
  measured.map(({ name, samples }) => {
    const of = (stage: Stage | "cold" | "warm"): Spread => spread(samples.map((sample) => sample[stage]));
    return {
      name,
      runs: samples.length,
      stages: {
        boot: of("boot"),
        load: of("load"),
        connect: of("connect"),
        publish: of("publish"),
        cold: of("cold"),
        warm: of("warm"),
      },
      timesWarm: median(samples.map(({ cold, warm }) => cold / warm)),
    };
  });
