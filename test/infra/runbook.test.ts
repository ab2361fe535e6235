import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { RUNBOOK } from "../../infra/constructs/support/alarm-on.ts";
import { root, synthesize, variants } from "./synthesize.ts";

const page = readFileSync(join(root, "docs/runbook.md"), "utf8");

/** The sections on alarms, by their addresses. */
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((text) => [(text.split("\n")[0] ?? "").toLowerCase().replaceAll(" ", "-"), text]),
);

const sectionsOf = (name: string): string[] =>
  synthesize(variants[name])
    .ofType("AWS::CloudWatch::Alarm")
    .filter(({ Properties }) => JSON.stringify(Properties.AlarmActions).includes("Topic"))
    .map(({ Properties }) => String(Properties.AlarmDescription).split(RUNBOOK)[1] ?? "none");

describe("the runbook", () => {
  const named = new Set(["both edges", "no internet access"].flatMap(sectionsOf));

  it("has a section on every alarm, and an alarm for every section", () => {
    expect([...sections.keys()].toSorted()).toEqual([...named].toSorted());
  });

  it.each([...sections])("says in %s what the alarm means, how to look, and what to do", (_name, text) => {
    for (const part of ["**Means.**", "**Look.**", "**Do.**"]) expect(text).toContain(`\n${part} `);
  });
});
