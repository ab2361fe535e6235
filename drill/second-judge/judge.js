import { compareIds } from "./protocol.js";

/**
 * @typedef {import("./index.d.ts").History} History
 * @typedef {import("./index.d.ts").StreamRecord} StreamRecord
 * @typedef {import("./index.d.ts").Violation} Violation
 * @typedef {import("./index.d.ts").JournalEvent} JournalEvent
 * @typedef {{ history: History, record: StreamRecord, report: (kind: Violation["kind"], message: string, text: string) => void }} Case
 */

/** @param {JournalEvent} event */
const nameOf = (event) => `number ${event.number} (${event.id})`;

/** @param {readonly JournalEvent[]} events */
const appliedOf = (events) => events.filter(({ type }) => type === "applied");

/** Nothing twice: neither an id nor an event, unless Redis lost the first one and the publisher offered it again. */
function judgeDoubles({ history, record, report }) {
  const held = new Set(record.entries.map(({ id }) => id));
  let ids = new Set();
  let numbers = new Map();
  for (const event of history.events) {
    // A new subscription to a `latest` channel gets the value that the one before it had.
    if (event.type === "began") [ids, numbers] = [new Set(), new Map()];
    if (event.type !== "applied") continue;
    const earlier = numbers.get(event.number);
    if (ids.has(event.id)) report("doubled", nameOf(event), "was given to the application twice");
    else if (earlier !== undefined && held.has(earlier)) {
      report("doubled", nameOf(event), `is the event that it had as ${earlier} already`);
    }
    ids.add(event.id);
    numbers.set(event.number, event.id);
  }
}

/**
 * Ids rise, and on `latest` no value is followed by one that was published before it, as long as nobody said
 * `recovered: false`. A new subscription begins anew.
 */
function judgeOrder({ history, record, report }) {
  /** @type {JournalEvent | undefined} */
  let newest;
  for (const event of history.events) {
    if (event.type === "told" || event.type === "began") newest = undefined;
    if (event.type !== "applied") continue;
    const mayRegress = record.isLatest && record.mayHaveLost;
    if (newest && !mayRegress && newest.id !== event.id && compareIds(event.id, newest.id) < 0) {
      report("disorder", nameOf(event), `came after ${nameOf(newest)}`);
    } else if (newest && record.isLatest && event.number < newest.number && !record.mayHaveLost) {
      report("olderValue", nameOf(event), `came after the newer value ${nameOf(newest)}`);
    } else newest = event;
  }
}

/** Of each order, portfolio and copied trade: no older state after a newer one, unless a notice came in between. */
function judgeStates({ history, report }) {
  /** @type {Map<string, JournalEvent>} */
  let newest = new Map();
  for (const event of history.events) {
    if (event.type === "told" || event.type === "began") newest = new Map();
    if (event.type !== "applied" || event.entity === undefined) continue;
    const shown = newest.get(event.entity);
    if (shown && event.version < shown.version) {
      report("olderState", nameOf(event), `is an older state of ${event.entity} than ${nameOf(shown)} before it`);
    } else newest.set(event.entity, event);
  }
}

/** The state that is shown of each entity in the end is the newest. After a notice it is loaded from the source. */
function judgeFinalStates({ history, record, report }) {
  if (history.events.some(({ type }) => type === "told" || type === "began")) return;
  const shown = new Map(appliedOf(history.events).map((event) => [event.entity, event]));
  for (const { entity, version, number } of record.states) {
    const last = shown.get(entity);
    if (last && last.version < version) {
      report("finalState", `number ${number}`, `is the newest state of ${entity}; it stays at ${nameOf(last)}`);
    }
  }
}

/**
 * Every message that Redis holds was given to the application, or the application was notified between the messages on
 * both sides of the hole. At the end of the stream a hole is a subscription that went silent.
 */
function judgeHoles({ history, record, report }) {
  const { events } = history;
  const held = new Map(record.entries.map(({ id, number }) => [id, number]));
  const places = new Map();
  for (const [place, event] of events.entries()) {
    if (event.type === "applied" && held.get(event.id) === event.number && !places.has(event.id))
      places.set(event.id, place);
  }
  /** @type {typeof record.entries[number][]} */
  let missing = [];
  let before = -1;
  const close = (place) => {
    const between = events.slice(before + 1, place);
    // Redis may have taken it before the subscription began, however late it was acknowledged.
    const isExcused = ({ offeredAt = 0 }) =>
      between.some(({ type, at: since }) => type === "told" || (type === "began" && offeredAt <= since));
    const unexcused = missing.filter((entry) => !isExcused(entry));
    const [first] = unexcused;
    if (first) {
      const text = `and ${unexcused.length - 1} more are missing, and nobody said so`;
      report(place === events.length ? "silent" : "hole", `number ${first.number} (${first.id})`, text);
    }
    missing = [];
    before = place;
  };
  for (const entry of record.entries) {
    const place = places.get(entry.id);
    if (place === undefined) missing.push(entry);
    else close(Math.max(before, place));
  }
  close(events.length);
}

/**
 * Judges messages that Redis acknowledged and lost after they were given to the application, which must be notified.
 * Messages from before the round are no loss.
 */
function judgeLosses({ history, record, report }) {
  const held = new Map(record.entries.map(({ id, number }) => [id, number]));
  for (const [place, event] of history.events.entries()) {
    if (event.type !== "applied" || held.get(event.id) === event.number || event.number < record.from) continue;
    const isTold = history.events.slice(place + 1).some(({ type }) => type === "told" || type === "began");
    if (!isTold) report("untold", nameOf(event), "is not in Redis any more, and nobody said so");
  }
}

/** After everything rests the newest value is shown. */
function judgeFinalValue({ history, record, report }) {
  const newest = record.entries.at(-1);
  const shown = appliedOf(history.events).at(-1);
  if (!newest || shown?.number === newest.number) return;
  report(
    "finalValue",
    `number ${newest.number} (${newest.id})`,
    `is the value; it stays at ${shown ? nameOf(shown) : "none"}`,
  );
}

function judgeStatus({ history, report }) {
  for (const event of history.events) {
    if (event.type === "falselyLive")
      report("falselyLive", `number ${event.number}`, "was missing while the status was live");
  }
}

/**
 * Compares the messages and notices of every application with what was published and what Redis holds. Call it once all
 * clients have had time to catch up.
 *
 * @param {{ histories: readonly History[], records: ReadonlyMap<string, StreamRecord> }} evidence
 * @returns {Violation[]}
 */
export function judge({ histories, records }) {
  /** @type {Violation[]} */
  const violations = [];
  for (const history of histories) {
    const { client, kind: clientKind, stream } = history;
    const report = (kind, message, text) => violations.push({ kind, client, clientKind, stream, message, text });
    for (const stray of history.strays ?? []) report(stray.type, stray.stream, stray.text ?? "");
    const record = records.get(stream);
    if (!record) continue;
    const current = { history, record, report };
    judgeStatus(current);
    judgeDoubles(current);
    judgeOrder(current);
    judgeStates(current);
    judgeFinalStates(current);
    if (record.isLatest) judgeFinalValue(current);
    else {
      judgeHoles(current);
      judgeLosses(current);
    }
    if (history.isLost) report("notBack", stream, `is not subscribed and live again: ${history.state}`);
  }
  return violations;
}

/** The violations in words: whose, where, which message. @param {Violation} violation */
export const describe = ({ kind, client, clientKind, stream, message, text }) =>
  `${kind}: ${client} (${clientKind}), ${stream}: ${message} ${text}`;
