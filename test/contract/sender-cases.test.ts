import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { domainNames, domains, parseDomainEvent } from "../../contract/domain-events.ts";
import { prepareMessage } from "../../kernel/streams/prepare-message.ts";

interface SenderCase {
  readonly name: string;
  readonly Source: string;
  readonly DetailType: string;
  readonly Detail: object;
  /** `accept`, or `refuse: ` and a part of the message. */
  readonly expected: string;
  /** Fields of the canonical form. */
  readonly delivered?: object;
}

const FOLDER = join(import.meta.dirname, "cases");
const NOW = Date.UTC(2026, 5, 1, 12, 30, 15, 417);
const iso = new Date(NOW).toISOString();

const times: Readonly<Record<string, unknown>> = {
  NOW,
  NOW_TEXT: String(NOW),
  NOW_FRACTION: NOW + 0.417,
  NOW_SECONDS: Math.floor(NOW / 1_000),
  NOW_SECONDS_TEXT: String(Math.floor(NOW / 1_000)),
  NOW_MICROSECONDS: NOW * 1_000,
  NOW_NANOSECONDS: NOW * 1_000_000,
  NOW_ISO: iso,
  NOW_ISO_MICROSECONDS: iso.replace("Z", "123Z"),
  NOW_ISO_OFFSET: `${new Date(NOW + 7_200_000).toISOString().replace("T", " ").slice(0, -1)}+0200`,
};

const readCases = (file: string): SenderCase[] =>
  JSON.parse(readFileSync(join(FOLDER, file), "utf8"), (_name, value) =>
    typeof value === "string" && Object.hasOwn(times, value) ? times[value] : value,
  ).cases;

function parse({ Source, DetailType, Detail }: SenderCase) {
  const domain = domainNames.find((name) => domains[name].some(({ source }) => source === Source));
  if (!domain) throw new Error(`no domain has the source ${Source}`);
  return parseDomainEvent(domain, { id: "event-1", source: Source, detailType: DetailType, detail: Detail });
}

describe.each(readdirSync(FOLDER))("what senders write: %s", (file) => {
  const cases = readCases(file);

  it.each(cases.filter(({ expected }) => expected === "accept").map((each) => [each.name, each] as const))(
    "%s is accepted, and delivered in canonical form",
    (_name, sent) => {
      const message = parse(sent);

      expect(message.data).toMatchObject(sent.delivered ?? {});
      // The canonical form has no null, and is its own: what is published is the same text however often it was parsed.
      const text = JSON.stringify(message.data);
      expect(text).not.toContain("null");
      const prepared = prepareMessage(message);
      const published = "body" in prepared ? prepared.body : `"data":${JSON.stringify(Object(prepared.content).value)}`;
      expect(published).toContain(`"data":${text}`);
    },
  );

  it.each(cases.filter(({ expected }) => expected !== "accept").map((each) => [each.name, each] as const))(
    "%s is refused with how to send it",
    (_name, sent) => {
      expect(() => parse(sent)).toThrow(sent.expected.replace("refuse: ", ""));
    },
  );
});
