import { compareIds } from "../../../contract/ids.ts";
import type { StreamKey } from "../topics/topic.ts";
import type { StreamPositions } from "./stream-positions.ts";

/** Returns the oldest id that several receivers have, by stream: what a request has to resume after. */
export function oldestIds(all: readonly StreamPositions[]): Map<StreamKey, string> {
  const oldest = new Map<StreamKey, string>();
  for (const { ids } of all) {
    for (const [key, id] of ids) {
      const other = oldest.get(key);
      if (other === undefined || compareIds(id, other) < 0) oldest.set(key, id);
    }
  }
  return oldest;
}
