import { compareIds } from "../contract/ids.ts";
import type { Applied, Journal, Report } from "./drill-client.ts";
import { countsNewestOnly, type DrillStream } from "./messages.ts";
import type { StreamTruth, TrueEntry } from "./truth.ts";

/** State in which one client ended a round. */
export interface Witness {
  readonly name: string;
  readonly streams: readonly DrillStream[];
  readonly journal: Pick<Journal, "applied" | "reports">;
  readonly positions: ReadonlyMap<string, string | undefined>;
}

/** A round as the clients' applications saw it, all clients together. */
export interface Verdict {
  /** Holes that an application was left with and not notified of. */
  undetected: number;
  /** Messages that an application got twice. */
  duplicates: number;
  /** Messages that an application got after a newer one. */
  outOfOrder: number;
  /** Messages that Redis holds and an application did not get; on `latest` streams, the last values alone. */
  lost: number;
  /** The first few of all that, in words. */
  readonly problems: string[];
}

interface Case {
  readonly witness: Witness;
  readonly stream: DrillStream;
  readonly truth: StreamTruth;
  readonly applied: readonly Applied[];
  readonly verdict: Verdict;
}

const MAXIMUM_PROBLEMS = 20;

function complain({ witness, stream, verdict }: Case, what: string): void {
  if (verdict.problems.length < MAXIMUM_PROBLEMS) verdict.problems.push(`${witness.name}, ${stream.name}: ${what}`);
}

/** True if the application was notified that something around an id is lost: it had come as far as `lastId` then. */
const isReported = ({ witness, stream }: Case, isMeant: (report: Report) => boolean): boolean =>
  witness.journal.reports.some((report) => report.stream === stream.name && isMeant(report));

/** Judges the rule of every delivery class: nothing twice, nothing older after something newer. */
function judgeOrder(current: Case): void {
  const { applied, truth, verdict } = current;
  const held = new Set(truth.entries.map(({ id }) => id));
  const ids = new Set<string>();
  const numbers = new Map<number, string>();
  let newest: Applied | undefined;
  for (const [place, message] of applied.entries()) {
    // A stream that was reset goes on below where it was, and the application was notified.
    if (isReported(current, (report) => report.place === place)) newest = undefined;
    const earlier = numbers.get(message.number);
    // The same event under another id is no repeat where Redis has lost the first one, and the publisher tried again.
    if (ids.has(message.id) || (earlier !== undefined && held.has(earlier))) {
      verdict.duplicates += 1;
      complain(current, `number ${message.number} came again as ${message.id}`);
    } else if (newest && (compareIds(message.id, newest.id) < 0 || message.number < newest.number)) {
      verdict.outOfOrder += 1;
      complain(current, `number ${message.number} (${message.id}) came after ${newest.number} (${newest.id})`);
    } else newest = message;
    ids.add(message.id);
    numbers.set(message.number, message.id);
  }
}

function judgeComplete(current: Case): void {
  const { applied, truth, verdict } = current;
  const places = new Map(applied.map(({ id, number }, place) => [`${id} ${number}`, place]));
  const placeOf = ({ id, number }: TrueEntry | undefined = { id: "", number: 0 }) => places.get(`${id} ${number}`);
  let isInGap = false;
  let before = -1;
  for (const [index, entry] of truth.entries.entries()) {
    const place = placeOf(entry);
    if (place !== undefined) {
      isInGap = false;
      before = place;
      continue;
    }
    const next = truth.entries.slice(index).find((each) => placeOf(each) !== undefined);
    const declared = declarationOf(current, entry, { before, after: placeOf(next) ?? applied.length });
    // After a reset a client drops what is below where the stream went; it was told to load that from the source.
    if (declared !== "reset") verdict.lost += 1;
    if (!isInGap && declared === undefined) {
      verdict.undetected += 1;
      complain(current, `number ${entry.number} (${entry.id}) is missing, and nobody said so`);
    }
    isInGap = true;
  }
}

/**
 * Notice that the application got of a missing message: that something after an older id is missing (`gap`), or that
 * the stream was reset (`reset`), while it got the messages on both sides.
 */
function declarationOf(
  current: Case,
  { id }: TrueEntry,
  { before, after }: { readonly before: number; readonly after: number },
): "gap" | "reset" | undefined {
  if (isReported(current, ({ lastId }) => compareIds(lastId, id) < 0)) return "gap";
  return isReported(current, ({ place = -1 }) => before < place && place <= after) ? "reset" : undefined;
}

/**
 * Judges messages that Redis acknowledged, or published, and then lost: an application that had got one must be
 * notified, also where another message has the same id now.
 */
function judgePhantoms(current: Case): void {
  const { applied, truth, verdict } = current;
  const held = new Map(truth.entries.map(({ id, number }) => [id, number]));
  for (const { id, number } of applied) {
    if (held.get(id) === number || isReported(current, ({ lastId }) => compareIds(lastId, id) >= 0)) continue;
    verdict.undetected += 1;
    complain(current, `Redis has lost number ${number} (${id}), and nobody said so`);
  }
}

function judgeLatest(current: Case): void {
  const { witness, stream, truth, verdict } = current;
  const position = witness.positions.get(stream.name);
  if (truth.entries.length === 0 || position === truth.top) return;
  verdict.lost += 1;
  verdict.undetected += 1;
  complain(current, `the value stays at ${position}; it is ${truth.top}`);
}

/** Compares what every application saw with what Redis holds. Call it once every client has had time to be level. */
export function judge(witnesses: readonly Witness[], truths: ReadonlyMap<string, StreamTruth>): Verdict {
  const verdict: Verdict = { undetected: 0, duplicates: 0, outOfOrder: 0, lost: 0, problems: [] };
  for (const witness of witnesses) {
    for (const stream of witness.streams) {
      const truth = truths.get(stream.name);
      if (!truth) throw new Error(`nobody knows what ${stream.name} holds`);
      const current = { witness, stream, truth, verdict, applied: witness.journal.applied.get(stream.name) ?? [] };
      judgeOrder(current);
      if (countsNewestOnly(stream)) judgeLatest(current);
      else {
        judgeComplete(current);
        judgePhantoms(current);
      }
    }
  }
  return verdict;
}
