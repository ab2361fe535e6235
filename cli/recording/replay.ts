import { setTimeout as delay } from "node:timers/promises";
import type { RecordedMessage } from "./recording.ts";
import { type ReplayEvent, toReplayEvent } from "./replay-events.ts";

/** Time for which messages are collected into one request, in ms. */
const TICK_MS = 20;

export interface ReplayOptions {
  readonly messages: readonly RecordedMessage[];
  /** 2 is twice as fast; Infinity as fast as the bus takes them. */
  readonly speed: number;
  /** Puts events on the bus; resolves with the reasons for those that it refused. */
  readonly put: (events: readonly ReplayEvent[]) => Promise<readonly string[]>;
  readonly signal: AbortSignal;
  readonly onProgress: (published: number) => void;
}

export interface ReplayReport {
  readonly published: number;
  readonly refused: number;
  /** The first reason. */
  readonly reason?: string;
  /** The longest that a message was published after its time, in ms: the bus, or the recording's rate, is too much. */
  readonly lateMs: number;
}

/** Publishes the messages of a recording at the pace at which they were recorded. */
export async function replay({ messages, speed, put, signal, onProgress }: ReplayOptions): Promise<ReplayReport> {
  const begun = performance.now();
  const dueAt = ({ at }: RecordedMessage): number => at / speed;
  const reasons: string[] = [];
  let [next, lateMs] = [0, 0];
  while (next < messages.length && !signal.aborted) {
    const elapsed = performance.now() - begun;
    let end = next;
    while (end < messages.length && dueAt(messages[end] as RecordedMessage) <= elapsed) end += 1;
    const due = messages.slice(next, end);
    const [first] = due;
    if (first) {
      lateMs = Math.max(lateMs, elapsed - dueAt(first));
      const now = Date.now();
      // Each at its own time, or two states of one thing in one request would have the same version.
      reasons.push(...(await put(due.map((message, index) => toReplayEvent(message, now - (due.length - index))))));
      next = end;
      onProgress(next);
    }
    await delay(TICK_MS, undefined, { signal }).catch(() => undefined);
  }
  const [reason] = reasons;
  return {
    ...{ published: next - reasons.length, refused: reasons.length, lateMs: Math.round(lateMs) },
    ...(reason === undefined ? {} : { reason }),
  };
}
