import * as z from "zod";
import type { Message } from "../../client/core/types.ts";
import { isChannel } from "../../contract/channels.ts";
import { timeOf } from "../../contract/ids.ts";
import { UsageError } from "../command/context.ts";

const lineSchema = z.object({
  /** Milliseconds since the first message, by the time of the ids: as the messages were published. */
  at: z.number().min(0),
  channel: z.string().refine(isChannel, "there is no channel of that name"),
  /** Whose it is, on a private channel. */
  userId: z.string().optional(),
  event: z.string().optional(),
  data: z.record(z.string(), z.unknown()),
});

/** One message of a recording: a line of its file. */
export type RecordedMessage = z.infer<typeof lineSchema>;

/** Leaves out what the client has added: the other side of a book that mirrors it. */
function asPublished(data: Message["data"]): Record<string, unknown> {
  const { no, ...others } = { ...data } as Record<string, unknown>;
  return others.mirrored === true || no === undefined ? others : { ...others, no };
}

/** Turns the messages of a subscription into the lines of a recording. */
export class Recorder {
  readonly #userId: string | undefined;
  #first: number | undefined;

  /** @param userId the user that the connection's token names */
  constructor(userId: string | undefined) {
    this.#userId = userId;
  }

  /** Returns the line for the next message. */
  record({ channel, event, data, id }: Message): RecordedMessage {
    this.#first ??= timeOf(id);
    const isPrivate = channel.startsWith("user:");
    return {
      // The messages of several streams interleave.
      at: Math.max(0, timeOf(id) - this.#first),
      channel,
      ...(isPrivate && this.#userId !== undefined ? { userId: this.#userId } : {}),
      ...(event === undefined ? {} : { event }),
      data: asPublished(data),
    };
  }
}

/** Parses the lines of a recording, in the order of their times. @throws UsageError that names the line. */
export function parseRecording(file: string, values: readonly unknown[]): readonly RecordedMessage[] {
  const messages = values.map((value, index) => {
    const line = lineSchema.safeParse(value);
    if (line.success) return line.data as RecordedMessage;
    throw new UsageError(`${file}, line ${index + 1} is not of a recording: ${z.prettifyError(line.error)}`);
  });
  return messages.sort((a, b) => a.at - b.at);
}
