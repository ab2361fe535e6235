import { describe, expect, it } from "vitest";
import { messagesOf, takeMessages } from "../../bench/client/state-load.ts";

describe.each([
  { levels: 8, isMirrored: false, depth: undefined },
  { levels: 100, isMirrored: true, depth: 20 },
] as const)("the load of $levels levels, mirrored: $isMirrored, depth $depth", (shape) => {
  const messages = messagesOf(shape, 60);

  it("is taken by a client, parsed or as text", () => {
    takeMessages(messages, shape.depth);
    takeMessages(
      messages.map((message) => JSON.stringify(message)),
      shape.depth,
    );
  });

  it("is refused where a change does not have its sum", () => {
    const forged = messages.map((message, index) => (index === 30 ? { ...message, sum: 1 } : message));
    expect(() => takeMessages(forged, shape.depth)).toThrow("a change was refused");
  });
});
