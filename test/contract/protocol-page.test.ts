import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { expect, it } from "vitest";
import type { ChangesMessage, DataMessage } from "../../contract/messages.ts";
import { StrictReceiver } from "../support/edge-books.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/protocol.md"), "utf8");

it("the sums of docs/protocol.md's example are those of its messages, as are the checksums of its rows", () => {
  const [whole, changes] = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, text = ""]) => JSON.parse(text));
  const receiver = new StrictReceiver().takeAll([whole as DataMessage, changes as ChangesMessage]);
  expect(receiver).toMatchObject({ lastId: "8-0", state: { sum: 3_096_225_256 } });

  const rows = [...page.matchAll(/\| `([^`]+=[^`]+)` \| [^\d|]*(\d+)/g)];
  expect(rows).toHaveLength(7);
  for (const [, text = "", checksum] of rows) expect(crc32(text)).toBe(Number(checksum));
});
