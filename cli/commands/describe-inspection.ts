import type { StreamInspection } from "../../kernel/operations/stream-operations.ts";
import { describeStream } from "../../kernel/streams/publish-outcome.ts";

const asTime = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** A version that is a time, as people read times; else the number. */
const describeVersion = (version: number, epoch: string | undefined): string =>
  epoch === undefined ? `${version} (${asTime(version)})` : `${version} of epoch ${epoch}`;

function describeAge(aheadMs: number, isUnusable: boolean): string {
  const age = `${Math.abs(aheadMs) / 1_000} s ${aheadMs > 0 ? "ahead of" : "behind"} Redis's clock`;
  return isUnusable ? `${age}: too far, the next publish starts the stream anew` : age;
}

/** Writes an inspection as lines for people. */
export function describeInspection(inspection: StreamInspection): string {
  const {
    stream,
    key,
    entries,
    newestId,
    aheadMs = 0,
    isUnusable,
    heldVersion,
    heldEpoch,
    guarded,
    stale,
  } = inspection;
  const rows: [string, string][] = [
    ["stream", `${describeStream(stream)} (${key})`],
    ["entries", String(entries)],
    ["newest id", newestId === undefined ? "none" : `${newestId}, ${describeAge(aheadMs, isUnusable)}`],
  ];
  if (heldVersion !== undefined) rows.push(["version", describeVersion(heldVersion, heldEpoch)]);
  if (guarded !== undefined) rows.push(["guarded", `${guarded} of its orders or copy trades`]);
  for (const { name, since, isFrozen } of stale) {
    rows.push([isFrozen ? "frozen" : "stale", `${name}: nothing but older states since ${asTime(since)}`]);
  }
  return rows.map(([label, text]) => `${label.padEnd(10)} ${text}`).join("\n");
}
