import { until } from "../../bench/drill/until.ts";
import type { Edge } from "../support/edge.ts";

/** Ends an edge once what its clients have begun is done: the database must not go in the middle of a write. */
export async function stopEdge(edge: Edge): Promise<void> {
  await until("the end of all connections", 10_000, () => edge.api.connectionIds().length === 0);
  let pending = 1;
  while (pending > 0) {
    const before = edge.posted.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    pending = edge.posted.length - before;
  }
  await edge.stop();
}
