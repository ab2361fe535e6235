import * as z from "zod";
import { DEPTHS } from "../../../contract/limits.ts";
import type { StateView } from "../../../kernel/protocol/state-recovery.ts";
import type { Row } from "./table.ts";

/** The name of the attribute; `view` is a reserved word of DynamoDB. */
export const VIEW_FIELD = "stateView";

/** How a subscriber gets a state channel, in the rows of its subscription; absent where it asked for nothing of that. */
export const viewFieldSchema = z.object({
  [VIEW_FIELD]: z.object({ changes: z.boolean().optional(), depth: z.literal(DEPTHS).optional() }).optional(),
});

/** Returns the attribute to write; none for a subscriber that gets whole values with all rows. */
export const viewValues = ({ changes, depth }: StateView): Row =>
  changes || depth !== undefined ? { [VIEW_FIELD]: { changes, depth } } : {};
