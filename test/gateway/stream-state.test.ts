import { describe, expect, it } from "vitest";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import type { StreamReader } from "../../kernel/streams/stream-reader.ts";
import { gated, setUpStreams } from "./stream-subject.ts";

const streams = setUpStreams();

describe("a stream on a gateway", () => {
  it("delivers what follows, fills a hole from Redis, and knows what it has", async () => {
    const subject = await streams.start("hole", [1]);
    const [two, three, four] = await subject.write(2, 3, 4);
    if (!two || !three || !four) throw new Error("nothing was written");
    subject.receive([two, four]);
    expect(subject.state.isReading).toBe(true);
    await subject.settle();
    expect(subject.delivered).toEqual(["2-0 after 1-0, live", "3-0 after 2-0, repair", "4-0 after 3-0, repair"]);
    expect(subject.gaps).toEqual(["filled"]);
    subject.reads = 0;
    subject.receive([three, four]);
    await subject.settle();
    expect([subject.delivered.length, subject.reads]).toEqual([3, 0]);
  });

  it("fills a hole of several pages", async () => {
    const subject = await streams.start("pages", [1]);
    await subject.write(...Array.from({ length: 1_000 }, (_, index) => index + 2));
    await subject.state.repair();
    expect(subject.delivered).toHaveLength(1_000);
    expect([subject.delivered.at(-1), subject.gaps]).toEqual(["1001-0 after 1000-0, repair", ["filled"]]);
  });

  it("delivers what comes while it reads after what it reads, and reads again for a hole in it", async () => {
    const { reader: slow, hasRead, open } = gated(streams.reader());
    const subject = await streams.start("pending", [1], { reader: slow });
    await subject.write(2, 3);
    const repair = subject.state.repair();
    await hasRead;
    const [four, , six] = await subject.write(4, 5, 6);
    if (!four || !six) throw new Error("nothing was written");
    subject.receive([four, six]);
    expect(subject.delivered).toEqual([]);
    open();
    await repair;
    await subject.settle();
    expect(subject.delivered.map((line) => line.split(" ")[0])).toEqual(["2-0", "3-0", "4-0", "5-0", "6-0"]);
    expect(subject.delivered[2]).toBe("4-0 after 3-0, live");
    expect(subject.gaps).toEqual(["filled", "filled"]);
  });

  it("holds a limited number of entries while it reads, and reads the others", async () => {
    const { reader: slow, hasRead, open } = gated(streams.reader());
    const subject = await streams.start("flood", [1], { reader: slow });
    await subject.write(2);
    const repair = subject.state.repair();
    await hasRead;
    subject.receive(await subject.write(...Array.from({ length: 1_002 }, (_, index) => index + 3)));
    open();
    await repair;
    await subject.settle();
    expect(subject.delivered.at(-1)).toBe("1002-0 after 1001-0, live");
    await subject.state.repair();
    expect(subject.delivered.slice(-2)).toEqual(["1003-0 after 1002-0, repair", "1004-0 after 1003-0, repair"]);
  });

  it("of values delivers each newer one at once, as the one after the last", async () => {
    const subject = await streams.start("values", [1], { channel: "market:prices" });
    const [two, three] = await subject.write(2, 3);
    if (!two || !three) throw new Error("nothing was written");
    subject.receive([three]);
    expect([subject.delivered, subject.state.isReading]).toEqual([["3-0 after 1-0, live"], false]);
    subject.receive([two]);
    await subject.settle();
    expect([subject.delivered.length, subject.gaps]).toEqual([1, []]);
    await subject.write(4, 5);
    await subject.state.repair();
    expect(subject.delivered.slice(1)).toEqual(["4-0 after 3-0, repair", "5-0 after 4-0, repair"]);
  });

  it("is loaded once, and delivers from then on", async () => {
    const subject = await streams.start("once", [1]);
    await subject.write(2);
    await subject.state.load();
    expect([subject.state.lastId, subject.reads]).toEqual(["1-0", 0]);
    await subject.state.repair();
    expect(subject.delivered).toEqual(["2-0 after 1-0, repair"]);
  });

  it("had no gap where all that was read has arrived meanwhile", async () => {
    let arriving: Parameters<typeof subject.receive>[0] = [];
    const after: StreamReader["after"] = async (...values) => {
      const page = await streams.reader().after(...values);
      subject.receive(arriving);
      return page;
    };
    const subject = await streams.start("arrived", [1], { reader: { after } });
    arriving = await subject.write(2, 3);
    await subject.state.repair();
    await subject.settle();
    expect(subject.delivered).toEqual(["2-0 after 1-0, repair", "3-0 after 2-0, repair"]);
    expect(subject.gaps).toEqual([]);
  });

  it("tries again to load what it could not", async () => {
    let isBroken = true;
    const newest: StreamReader["newest"] = (...values) =>
      isBroken ? Promise.reject(new Error("no answer")) : streams.reader().newest(...values);
    const subject = streams.create("broken", { reader: { newest } });
    await subject.write(7);
    await expect(subject.state.load()).rejects.toThrow("no answer");
    expect([subject.state.lastId, subject.state.isConfirmed]).toEqual(["0-0", false]);
    isBroken = false;
    await subject.state.load();
    expect([subject.state.lastId, subject.state.isConfirmed]).toEqual(["7-0", true]);
  });
});

describe("a stream that Redis does not continue", () => {
  it("is lost where what followed is trimmed, and goes on with what is left", async () => {
    const subject = await streams.start("trimmed", [1, 2]);
    await subject.write(3, 4, 5);
    await streams.commands().xtrim(streamKey(subject.stream), "MINID", "5-0");
    await subject.state.repair();
    expect([subject.delivered, subject.gaps]).toEqual([["5-0 after 4-0, repair"], ["lost"]]);
    expect(subject.state.resume("4-0")?.entries.map(({ id }) => id)).toEqual(["5-0"]);
  });

  it.each<[string, readonly number[], string, readonly string[]]>([
    ["without anything", [], "0-0", []],
    ["with older entries: the newest one shows it", [10, 20, 30], "30-0", ["30-0 after 20-0, repair"]],
    [
      "with entries from the time of the known ones: from there",
      [30, 45, 48],
      "48-0",
      ["45-0 after 30-0, repair", "48-0 after 45-0, repair"],
    ],
    ["with a known entry: after it", [30, 40], "40-0", []],
    ["with nothing but a known entry", [40], "40-0", []],
  ])("is reset where Redis comes back %s", async (title, held, lastId, delivered) => {
    const subject = await streams.start(title, [40, 50]);
    await subject.lose();
    await subject.write(...held);
    await subject.state.repair();
    expect([subject.state.lastId, subject.delivered, subject.gaps]).toEqual([lastId, delivered, ["reset"]]);
    const next = await subject.write(60);
    subject.receive(next);
    expect(subject.delivered.at(-1)).toBe(`60-0 after ${lastId}, live`);
  });

  it("is no gap where it is level, or was written to since the read", async () => {
    const subject = await streams.start("level", [1]);
    await subject.state.repair();
    expect([subject.delivered, subject.gaps]).toEqual([[], []]);
    const after: StreamReader["after"] = async (...values) => {
      const page = await streams.reader().after(...values);
      if (page.length === 0) await late.write(2, 3);
      return page;
    };
    const late = await streams.start("late", [1], { reader: { after } });
    await late.state.repair();
    expect(late.delivered).toEqual(["2-0 after 1-0, repair", "3-0 after 2-0, repair"]);
    expect(late.gaps).toEqual(["filled"]);
  });
});
