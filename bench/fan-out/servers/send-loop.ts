import { join } from "node:path";
import { compile } from "../compile.ts";
import { CONTENDERS } from "../contender-packages.ts";
import type { Contender } from "./contender.ts";
import { openTextSender } from "./redis-sender.ts";

const build = (): Promise<string> => compile("send-loop", { sources: [join(CONTENDERS, "send-loop.c")] });

const sendLoop = (mode: "single" | "bundled", label: string): Contender => ({
  label,
  hasRooms: false,
  async prepare(onProgress) {
    onProgress("compiling send-loop");
    await build();
  },
  launch: async ({ port, redisPort }) => ({
    command: await build(),
    values: [String(port), String(redisPort), mode],
    environment: {},
  }),
  handshake: () => ["C /", "< subscribed"],
  openSender: openTextSender,
});

/** The limit of what writes one message at a time: a loop of `send()` in C. */
export const sendEach = sendLoop("single", "C, one send() per message");

/** The limit of what bundles: one `send()` in C for all messages that came at once. */
export const sendBundled = sendLoop("bundled", "C, one send() per bundle");
