import type { DataEvent } from "../../../contract/messages.ts";
import { messagesOf, type StateShape, takeMessages } from "../state-load.ts";

let messages: readonly (DataEvent | string)[] = [];

Object.assign(globalThis, {
  /** Makes the messages of a shape, parsed or as texts. */
  prepare(shape: StateShape, count: number, isParsed: boolean): void {
    const parsed = messagesOf(shape, count);
    messages = isParsed ? parsed : parsed.map((message) => JSON.stringify(message));
  },
  /** Takes the prepared messages; returns what went wrong, if something did. */
  run({ depth }: StateShape): string | undefined {
    try {
      takeMessages(messages, depth);
      return undefined;
    } catch (error) {
      return String(error);
    }
  },
});
