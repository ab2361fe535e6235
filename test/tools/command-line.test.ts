import { describe, expect, it } from "vitest";
import * as z from "zod";
import { list, parseCommandLine, wholeNumber } from "../../tools/command-line.ts";

const command = {
  texts: ["count", "names"],
  flags: ["json"],
  hasWords: true,
  schema: z.object({
    words: z.tuple([z.enum(["first", "second"], "the first word must be first or second")]),
    count: wholeNumber(3),
    names: list(["a", "b"]),
    json: z.boolean().default(false),
  }),
};

describe("a command line", () => {
  it("is words and options, with defaults", () => {
    const parsed = parseCommandLine(command, ["second", "--count", "7", "--json"]);

    expect(parsed).toEqual({ words: ["second"], count: 7, names: ["a", "b"], json: true });
  });

  it.each([
    [["first", "--count", "0"], "at count"],
    [["first", "--count", "many"], "at count"],
    [["third"], "the first word must be first or second"],
    [["first", "--other"], "--other"],
    [["first", "second"], "words"],
  ])("%j is refused by name", (values, reason) => {
    expect(() => parseCommandLine(command, values)).toThrow(reason);
  });

  it("refuses words where the command takes none", () => {
    expect(() => parseCommandLine({ schema: z.object({}) }, ["quick"])).toThrow("quick");
  });
});
