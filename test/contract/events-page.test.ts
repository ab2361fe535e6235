import { join } from "node:path";
import { expect, it } from "vitest";
import { domainNames, domains, eventFields as metaFields, privateEventFields } from "../../contract/domain-events.ts";
import * as market from "../../contract/payloads/market.ts";
import * as books from "../../contract/payloads/order-book.ts";
import * as signals from "../../contract/payloads/signals.ts";
import * as user from "../../contract/payloads/user.ts";
import { type EventField, eventFields } from "../support/event-fields.ts";
import { INTRODUCTION } from "../support/events-introduction.ts";

const PAGE = join(import.meta.dirname, "../../docs/events.md");

const exported: Readonly<Record<string, unknown>> = { ...market, ...books, ...signals, ...user };
const nameOf = (schema: unknown): string | undefined => Object.keys(exported).find((name) => exported[name] === schema);

const events = domainNames.flatMap((domain) => domains[domain].map((event) => ({ domain, ...event })));

const toTable = (fields: readonly EventField[]): readonly string[] => [
  "| field | required | values | |",
  "| --- | --- | --- | --- |",
  ...fields.map(
    ({ path, isRequired, form, meaning }) => `| \`${path}\` | ${isRequired ? "yes" : "no"} | ${form} | ${meaning} |`,
  ),
];

it.each(events)("$detailType: each field says which values it takes", ({ payload }) => {
  for (const { path, form } of eventFields(payload, nameOf(payload))) expect(`${path}: ${form}`).toMatch(/: .{4,}/);
});

it("docs/events.md is generated (npx vitest run test/contract/events-page.test.ts -u writes it)", async () => {
  const sections = events.flatMap(({ detailType, source, channel, payload }) => [
    "",
    `## ${detailType}`,
    "",
    `Source \`${source}\`, to \`${channel}\`.`,
    "",
    ...toTable(eventFields(payload, nameOf(payload))),
  ]);
  const beside = eventFields(privateEventFields, "privateEventFields").filter(({ path }) => path === "userId");
  const page = [
    ...INTRODUCTION,
    "",
    "## Beside the payload",
    "",
    "A detail has these fields as well; `userId` on private channels alone.",
    "",
    ...toTable([...beside, ...eventFields(metaFields, "eventFields")]),
    ...sections,
    "",
  ].join("\n");

  await expect(page).toMatchFileSnapshot(PAGE);
});
