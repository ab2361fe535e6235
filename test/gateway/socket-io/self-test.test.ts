import { createRequire } from "node:module";
import { Socket } from "node:net";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { tryDirectWrites, tryWriteModes } from "../../../gateway/socket-io/self-test.ts";

it.each([false, true])(
  "finds the private hooks in the packages of this lock file (compression: %s)",
  async (isCompressed) => {
    expect(await tryDirectWrites({ isCompressed })).toBe(true);
  },
);

describe("the ways of writing", () => {
  afterEach(() => void vi.restoreAllMocks());
  const wanted = { hasDirectWrites: true, hasCompression: true };

  /** As a version of `ws` whose connections forget each message: the next one cannot refer to it. */
  function forgetMessages(): void {
    const { prototype } = createRequire(import.meta.url)("ws").PerMessageDeflate;
    const { decompress } = prototype;
    vi.spyOn(prototype, "decompress").mockImplementation(function (this: typeof prototype, ...values) {
      (this as never as { params: object }).params = { server_no_context_takeover: true };
      decompress.apply(this, values);
    });
  }

  it("are those that the configuration asks for", async () => {
    expect(await tryWriteModes(wanted)).toEqual(wanted);
    const plain = { hasDirectWrites: true, hasCompression: false };
    expect(await tryWriteModes(plain)).toEqual(plain);
    const none = { hasDirectWrites: false, hasCompression: false };
    expect(await tryWriteModes({ hasDirectWrites: false, hasCompression: true })).toEqual(none);
  });

  it("stay direct where only compressed bundles fail", async () => {
    forgetMessages();
    expect(await tryWriteModes(wanted)).toEqual({ hasDirectWrites: true, hasCompression: false });
  });

  it("are Socket.IO's where the TCP connection is not found", async () => {
    Object.defineProperty(Socket, Symbol.hasInstance, { value: () => false, configurable: true });
    onTestFinished(() => void Reflect.deleteProperty(Socket, Symbol.hasInstance));
    expect(await tryWriteModes(wanted)).toEqual({ hasDirectWrites: false, hasCompression: false });
  });
});
