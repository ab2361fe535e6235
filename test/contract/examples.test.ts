import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { domainNames, domains, parseDomainEvent } from "../../contract/domain-events.ts";

const folder = join(import.meta.dirname, "../../contract/examples");
const examples = readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")));

describe.each(domainNames.flatMap((domain) => domains[domain].map((event) => ({ domain, ...event }))))(
  "$source $detailType",
  ({ domain, source, detailType, channel }) => {
    it("has one example, which becomes a message of its channel", () => {
      const [example, ...others] = examples.filter((e) => e.Source === source && e.DetailType === detailType);

      const message = parseDomainEvent(domain, { id: "event-1", source, detailType, detail: example?.Detail });

      expect(message.channel).toBe(channel);
      expect(others).toEqual([]);
    });
  },
);
