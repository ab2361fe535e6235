import { type Channel, isConflated } from "../../contract/channels.ts";

/** Findings about the messages of one stream that an application saw. */
export interface Verdict {
  readonly holes: number;
  readonly heldNoLonger: number;
  readonly doubles: number;
  readonly outOfOrder: number;
}

/** Ids of one stream: those published, those that an application got, and those after which it was told of a gap. */
export interface StreamRecord {
  readonly channel: Channel;
  readonly published: readonly string[];
  readonly received: readonly string[];
  readonly gaps: readonly string[];
}

/** The places of what is missing: those that the application was told of, and the others. */
function findMissing({ published, received, gaps }: StreamRecord): { readonly told: number; readonly untold: number } {
  const has = new Set(received);
  const isTold = new Set(gaps);
  let [told, untold, inGap] = [0, 0, false];
  for (const id of published) {
    if (has.has(id)) inGap = isTold.has(id);
    else if (inGap) told += 1;
    else untold += 1;
  }
  return { told, untold };
}

/** Holds what an application got of one stream against what was published. */
export function judge(record: StreamRecord): Verdict {
  const { channel, published, received } = record;
  const order = new Map(published.map((id, index) => [id, index]));
  const places = received.map((id) => order.get(id) ?? -1);
  const isLatest = isConflated(channel);
  const { told, untold } = isLatest
    ? { told: 0, untold: Number(received.at(-1) !== published.at(-1)) }
    : findMissing(record);
  return {
    holes: untold,
    heldNoLonger: told,
    doubles: places.length - new Set(places).size,
    outOfOrder: places.filter((place, index) => index > 0 && place < (places[index - 1] ?? 0)).length,
  };
}
