import { setTimeout as delay } from "node:timers/promises";
import { nowMicros } from "./message.ts";
import { TICKS_PER_SECOND } from "./mix.ts";
import type { Traffic } from "./shapes.ts";

/** Longest wait for what is still to be delivered once nothing is sent any more, in seconds. */
const DRAIN_SECONDS = 20;
const POLL_MS = 5;

/** Time without a delivery after which a server that skips older values has sent the newest ones: more than between two. */
const QUIET_MICROS = 1_500_000;
const LEAD_MICROS = 5_000;

/** Tracks the events in flight between publisher and clients. */
export class Course {
  readonly #publish: (number: number, dueAt: number) => Promise<unknown>;
  #delivered = 0;
  #failure: unknown;
  #deliveredAt = 0;
  #listener = (): void => undefined;

  /** @param publish sends event `number`, which was due at `dueAt` (microseconds of the monotonic clock). */
  constructor(publish: (number: number, dueAt: number) => Promise<unknown>) {
    this.#publish = publish;
  }

  /** Number of events delivered whole so far. */
  get delivered(): number {
    return this.#delivered;
  }

  /** True once nothing has been delivered for longer than a server waits that skips older values. */
  get isQuiet(): boolean {
    return nowMicros() - this.#deliveredAt > QUIET_MICROS;
  }

  send(number: number, dueAt: number): void {
    this.#publish(number, dueAt).catch((error) => {
      this.#failure ??= error;
    });
  }

  /** Another event is delivered whole. */
  onDelivered(): void {
    this.#delivered += 1;
    this.#deliveredAt = nowMicros();
    this.#listener();
  }

  set listener(listener: () => void) {
    this.#listener = listener;
  }

  /** @throws what a publisher has met with meanwhile. */
  check(): void {
    if (this.#failure) throw this.#failure;
  }
}

/** Fixed times, kept whatever happens: who falls behind is measured from when the message should have gone. */
async function runOpen(course: Course, perSecond: number, seconds: number): Promise<number> {
  const start = nowMicros() + LEAD_MICROS;
  const events = Math.max(1, Math.round(perSecond * seconds));
  for (let number = 0; number < events; number += 1) {
    const dueAt = Math.round(start + (number * 1e6) / perSecond);
    for (let rest = dueAt - nowMicros(); rest > 0; rest = dueAt - nowMicros()) await delay(rest / 1_000);
    course.check();
    course.send(number, dueAt);
  }
  return events;
}

async function runClosed(course: Course, outstanding: number, seconds: number): Promise<number> {
  const end = nowMicros() + seconds * 1e6;
  let sent = 0;
  const next = (): void => {
    if (nowMicros() >= end) return;
    course.send(sent, nowMicros());
    sent += 1;
  };
  course.listener = next;
  for (let count = 0; count < outstanding; count += 1) next();
  while (nowMicros() < end) {
    await delay(POLL_MS);
    course.check();
  }
  return sent;
}

export interface TrafficOptions {
  /** Messages a second that the server took at most; for `half`. */
  readonly saturatedRate: number;
  /** True where a server may leave out older values, so that there are fewer deliveries than events. */
  readonly skipsOlder?: boolean;
  /** For `mixed`, whose events lead to different numbers of deliveries: the steps that all of those sent so far make. */
  readonly expectedSteps?: () => number;
}

/** Sends the traffic and resolves with the number of events sent, once all are delivered or it has waited long enough. */
export async function runTraffic(
  traffic: Traffic,
  course: Course,
  { saturatedRate, skipsOlder = false, expectedSteps }: TrafficOptions,
): Promise<number> {
  const sent = await (() => {
    switch (traffic.kind) {
      case "open":
        return runOpen(course, traffic.eventsPerSecond, traffic.seconds);
      case "half":
        return runOpen(course, saturatedRate / 2 / traffic.perEvent, traffic.seconds);
      case "mixed":
        return runOpen(course, TICKS_PER_SECOND, traffic.seconds);
      case "closed":
        return runClosed(course, traffic.outstanding, traffic.seconds);
      default:
        return traffic satisfies never;
    }
  })();
  const deadline = nowMicros() + DRAIN_SECONDS * 1e6;
  const isDone = (): boolean => {
    if (skipsOlder && course.isQuiet) return true;
    if (!expectedSteps) return course.delivered >= sent;
    // What is left after the last whole step comes at once.
    return course.delivered >= expectedSteps() && course.isQuiet;
  };
  while (!isDone() && nowMicros() < deadline) {
    await delay(POLL_MS);
    course.check();
  }
  return sent;
}
