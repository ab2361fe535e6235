import { describe, expect, it, vi } from "vitest";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import type { StreamReader } from "../../kernel/streams/stream-reader.ts";
import { gated, setUpStreams } from "./stream-subject.ts";

const streams = setUpStreams();

describe("the check of a stream", () => {
  it("reads nothing of one that was heard since the last check", async () => {
    const subject = await streams.start("active", [1]);
    subject.receive(await subject.write(2));
    await subject.write(3);
    expect([await subject.state.check(), subject.reads]).toEqual([false, 0]);
    expect(await subject.state.check()).toBe(true);
    expect(subject.delivered.at(-1)).toBe("3-0 after 2-0, repair");
    subject.reads = 0;
    expect([await subject.state.check(), subject.reads]).toEqual([false, 1]);
  });

  it("reads one that was heard and is being read", async () => {
    const { reader: slow, hasRead, open } = gated(streams.reader());
    const subject = await streams.start("active and read", [1], { reader: slow });
    const [two] = await subject.write(2);
    const repair = subject.state.repair();
    await hasRead;
    if (two) subject.receive([two]);
    const check = subject.state.check();
    open();
    await repair;
    expect([await check, subject.reads]).toEqual([false, 2]);
  });

  it.each([
    ["an entry", [2]],
    ["an entry and a newer one", [2, 3]],
  ])("finds no gap in %s on the way", async (title, numbers) => {
    let onAnswer = (): void => undefined;
    const newest: StreamReader["newest"] = async (...values) => {
      const entries = await streams.reader().newest(...values);
      // Fires before the timer of the check, which begins later and is longer.
      setTimeout(onAnswer);
      return entries;
    };
    const subject = await streams.start(title, [1], { reader: { newest } });
    const entries = await subject.write(...numbers);
    // The newer one is written after the answer.
    if (numbers.length > 1) await streams.commands().xdel(streamKey(subject.stream), "3-0");
    onAnswer = () => subject.receive(entries);
    expect([await subject.state.check(), subject.reads]).toEqual([false, 1]);
    expect([subject.delivered.length, subject.gaps]).toEqual([numbers.length, []]);
  });

  it("confirms for some seconds where the stream is", async () => {
    const subject = await streams.start("confirmed", [1]);
    const later = performance.now() + 8_000;
    vi.spyOn(performance, "now").mockReturnValue(later);
    expect(subject.state.isConfirmed).toBe(false);
    await subject.state.check();
    expect(subject.state.isConfirmed).toBe(true);
    vi.restoreAllMocks();
  });

  it("finds that Redis has lost the newest entries", async () => {
    const subject = await streams.start("lost newest", [1, 2]);
    await streams.commands().xdel(streamKey(subject.stream), "2-0");
    expect(await subject.state.check()).toBe(true);
    expect([subject.state.lastId, subject.gaps]).toEqual(["1-0", ["reset"]]);
  });
});

describe("the history of a stream", () => {
  it("is what Redis holds, with what was not heard of", async () => {
    const subject = await streams.start("history", [...Array.from({ length: 100 }, (_, index) => index + 1)]);
    await subject.write(101);
    expect(subject.state.resume("5-0")).toBeUndefined();
    await subject.state.loadHistory();
    expect(
      subject.state
        .resume("5-0")
        ?.entries.map(({ id }) => id)
        .slice(0, 1),
    ).toEqual(["6-0"]);
    expect(subject.state.resume("0-5")).toMatchObject({ recovered: false });
    expect([subject.delivered, subject.state.resume("5-0")?.entries.length]).toEqual([
      ["101-0 after 100-0, repair"],
      96,
    ]);
  });

  it("of a stream that is new here is all that Redis holds", async () => {
    const subject = streams.create("new here");
    subject.state.startEmpty();
    await subject.write(1, 2);
    await subject.state.loadHistory();
    expect(subject.delivered).toEqual(["1-0 after 0-0, repair", "2-0 after 1-0, repair"]);
  });

  it("is caught up with where Redis does not have the last entry", async () => {
    const subject = await streams.start("reset history", [40, 50]);
    await subject.lose();
    await subject.write(10, 20);
    await subject.state.loadHistory();
    expect([subject.delivered, subject.gaps]).toEqual([["20-0 after 10-0, repair"], ["reset"]]);
    expect(subject.state.resume("5-0")).toMatchObject({ recovered: false });
  });

  it("is kept from the start where it is short", async () => {
    const subject = await streams.start("short", [1, 2, 3]);
    expect(subject.state.resume("2-0")?.entries.map(({ id }) => id)).toEqual(["3-0"]);
    expect(subject.state.resume("0-5")).toMatchObject({ recovered: false });
    expect(subject.reads).toBe(0);
  });
});
