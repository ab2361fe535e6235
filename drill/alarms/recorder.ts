import * as z from "zod";
import type { AlarmMetric } from "./alarm-definitions.ts";

/** Values of one metric at one time. */
export interface Observation {
  /** In minutes of the record since its start. */
  readonly minute: number;
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly values: readonly number[];
}

const line = z.looseObject({
  _aws: z.object({
    CloudWatchMetrics: z.array(
      z.object({
        Namespace: z.string(),
        Dimensions: z.array(z.array(z.string())),
        Metrics: z.array(z.object({ Name: z.string() })),
      }),
    ),
  }),
});

const values = z.union([z.number().transform((one) => [one]), z.array(z.number())]);

/**
 * Keeps what the processes report while a fault lasts. Its time is scaled: so many ms of this machine stand for a minute
 * of CloudWatch's. What a process itself waits for, such as a timeout, is not scaled, and takes longer in the record.
 */
export class Recorder {
  readonly observations: Observation[] = [];
  readonly #minuteMs: number;
  #startedAt = performance.now();

  constructor(minuteMs: number) {
    this.#minuteMs = minuteMs;
  }

  /** The minutes since the start. */
  get minute(): number {
    return (performance.now() - this.#startedAt) / this.#minuteMs;
  }

  restart(): void {
    this.#startedAt = performance.now();
    this.observations.length = 0;
  }

  add(metric: Pick<AlarmMetric, "namespace" | "name" | "dimensions">, ...measured: readonly number[]): void {
    const { namespace, name, dimensions } = metric;
    this.observations.push({ minute: this.minute, namespace, name, dimensions, values: measured });
  }

  /** Takes a line of a process's log; lines that are not of the embedded metric format are left out. */
  addLine(text: string): void {
    if (!text.startsWith('{"_aws"')) return;
    const parsed = line.parse(JSON.parse(text));
    for (const { Namespace, Dimensions, Metrics } of parsed._aws.CloudWatchMetrics) {
      for (const names of Dimensions) {
        const dimensions = Object.fromEntries(names.map((name) => [name, String(parsed[name])]));
        for (const { Name } of Metrics) {
          this.add({ namespace: Namespace, name: Name, dimensions }, ...values.parse(parsed[Name]));
        }
      }
    }
  }
}
