import { describe, expect, it } from "vitest";
import { checkTemplates } from "../../tools/template-model/check.ts";
import { synthesize, variants } from "./synthesize.ts";

/** Synths take seconds, and minutes on a busy machine. */
const LIMIT_MS = 900_000;

describe("the reference model", { timeout: LIMIT_MS }, () => {
  it.each(Object.entries(variants))("finds nothing wrong with %s", (_name, fields) => {
    const { assembly, config } = synthesize(fields);
    const templates = Object.fromEntries(assembly.stacks.map(({ stackName, template }) => [stackName, template]));

    expect(checkTemplates(templates, config)).toEqual([]);
  });
});
