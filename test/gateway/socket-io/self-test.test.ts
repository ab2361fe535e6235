import { expect, it } from "vitest";
import { tryDirectWrites } from "../../../gateway/socket-io/self-test.ts";

it.each([false, true])(
  "finds the private hooks in the packages of this lock file (compression: %s)",
  async (isCompressed) => {
    expect(await tryDirectWrites({ isCompressed })).toBe(true);
  },
);
