import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { nowMicros } from "../../bench/fan-out/message.ts";
import { Course, runTraffic } from "../../bench/fan-out/traffic.ts";

/** A server that delivers every event a little later, and the events in the order in which they were sent. */
function receive(onSend: (number: number, dueAt: number) => void = () => undefined) {
  const sent: { number: number; dueAt: number }[] = [];
  let underWay = 0;
  let mostUnderWay = 0;
  const course: Course = new Course(async (number, dueAt) => {
    sent.push({ number, dueAt });
    underWay += 1;
    mostUnderWay = Math.max(mostUnderWay, underWay);
    onSend(number, dueAt);
    await delay(1);
    underWay -= 1;
    course.onDelivered();
  });
  return { course, sent, most: () => mostUnderWay };
}

/** Keeps the process from doing anything else. */
function block(micros: number): void {
  const end = nowMicros() + micros;
  while (nowMicros() < end);
}

describe("open traffic", () => {
  it("stamps events with their due time, however late they are sent", async () => {
    const { course, sent } = receive(() => block(25_000));

    const events = await runTraffic({ kind: "open", perEvent: 1, eventsPerSecond: 100, seconds: 0.1 }, course, {
      saturatedRate: 0,
    });

    expect(events).toBe(10);
    expect(sent.map(({ number }) => number)).toEqual(Array.from({ length: 10 }, (_, number) => number));
    const [first] = sent;
    expect(sent.map(({ dueAt }) => dueAt - Number(first?.dueAt))).toEqual(sent.map(({ number }) => number * 10_000));
  });

  it("runs at half of the saturated rate if configured", async () => {
    const { course } = receive();

    // 4,000 messages a second, halved, in events of 20, for a fifth of a second.
    expect(await runTraffic({ kind: "half", perEvent: 20, seconds: 0.2 }, course, { saturatedRate: 4_000 })).toBe(20);
  });

  it("fails with the publisher's error", async () => {
    const course = new Course(() => Promise.reject(new Error("Redis is gone")));

    await expect(
      runTraffic({ kind: "open", perEvent: 1, eventsPerSecond: 50, seconds: 0.1 }, course, { saturatedRate: 0 }),
    ).rejects.toThrow("Redis is gone");
  });
});

describe("traffic to a server that skips older values", () => {
  it("ends once the newest ones are delivered", async () => {
    let sent = 0;
    const course: Course = new Course(async () => {
      sent += 1;
      if (sent % 2 === 0) course.onDelivered();
    });

    const traffic = { kind: "open", perEvent: 1, eventsPerSecond: 100, seconds: 0.1 } as const;

    expect(await runTraffic(traffic, course, { saturatedRate: 0, skipsOlder: true })).toBe(10);
    expect([course.delivered, course.isQuiet]).toEqual([5, true]);
  });
});

describe("mixed traffic", () => {
  it("ends once every step of its deliveries is there, whatever the number of events is", async () => {
    let sent = 0;
    const course: Course = new Course(async () => {
      sent += 1;
      course.onDelivered();
      course.onDelivered();
    });

    const events = await runTraffic({ kind: "mixed", seconds: 0.2 }, course, {
      saturatedRate: 0,
      expectedSteps: () => 2 * sent,
    });

    expect([events, course.delivered, course.isQuiet]).toEqual([10, 20, true]);
  });
});

describe("closed traffic", () => {
  it("keeps the maximum number of events in flight, and never more", async () => {
    const { course, sent, most } = receive();

    const events = await runTraffic({ kind: "closed", perEvent: 20, outstanding: 3, seconds: 0.1 }, course, {
      saturatedRate: 0,
    });

    expect(most()).toBe(3);
    expect([events, course.delivered]).toEqual([sent.length, sent.length]);
  });
});
