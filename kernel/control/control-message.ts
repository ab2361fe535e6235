import * as z from "zod";
import { subject } from "../../contract/payloads/primitives.ts";

/** Closes connections: those of one user, or one by its socket id. Their clients may connect again. */
const kick = z
  .object({
    type: z.literal("kick"),
    sub: subject.optional(),
    connection: z.string().min(1).max(64).optional(),
  })
  .refine(
    ({ sub, connection }) => (sub === undefined) !== (connection === undefined),
    "give sub or connection, one of the two",
  );

/** Moves the connections of one gateway to the others and ends it, as a deployment does. */
const drain = z.object({ type: z.literal("drain"), gateway: z.string().min(1).max(128) });

/** What all gateways must learn, from an operator. */
export const controlMessage = z.discriminatedUnion("type", [kick, drain]);

export type ControlMessage = z.infer<typeof controlMessage>;

/** Why a message of the control stream is ignored: its form is wrong, or a newer version of the platform wrote it. */
export type IgnoredControl = "malformed" | "unknown";

const anyMessage = z.looseObject({ type: z.string() });

/** Parses the text of a control message. */
export function parseControlMessage(text: string | undefined): ControlMessage | IgnoredControl {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "");
  } catch {
    return "malformed";
  }
  const message = controlMessage.safeParse(value);
  if (message.success) return message.data;
  const any = anyMessage.safeParse(value);
  const types: readonly string[] = controlMessage.options.map((option) => option.shape.type.value);
  return any.success && !types.includes(any.data.type) ? "unknown" : "malformed";
}
