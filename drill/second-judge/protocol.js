/**
 * Rules of docs/protocol.md on channels and ids. This folder is written from that page alone and imports nothing of the
 * platform, so that a mistake in the platform's own code is not repeated by its judge.
 */

/** The id before every message. */
export const FIRST_ID = "0-0";

/** @type {Readonly<Record<string, { isLatest: boolean, isPrivate: boolean, hasMarkets: boolean }>>} */
export const channels = {
  "market:prices": { isLatest: true, isPrivate: false, hasMarkets: true },
  "market:orderbook": { isLatest: true, isPrivate: false, hasMarkets: true },
  "market:trades": { isLatest: false, isPrivate: false, hasMarkets: true },
  "monitor:signals": { isLatest: false, isPrivate: false, hasMarkets: false },
  "user:orders": { isLatest: false, isPrivate: true, hasMarkets: false },
  "user:notifications": { isLatest: false, isPrivate: true, hasMarkets: false },
  "user:portfolio": { isLatest: true, isPrivate: true, hasMarkets: false },
  "user:copy-trade": { isLatest: false, isPrivate: true, hasMarkets: false },
};

/** Codes of the protocol's table whose request can succeed later. */
const passingCodes = new Set(["rate_limited", "slow_consumer", "unavailable", "internal"]);

/** @param {string} code */
export const canSucceedLater = (code) => passingCodes.has(code);

/** @param {string} a @param {string} b */
const compareDigits = (a, b) => a.length - b.length || (a < b ? -1 : Number(a > b));

/**
 * Compares two ids by their two numbers, as exactly as Redis does: below 0 where `a` is the older one.
 *
 * @param {string} a @param {string} b
 */
export function compareIds(a, b) {
  if (a === b) return 0;
  const [aTime = "0", aNumber = "0"] = a.split("-");
  const [bTime = "0", bNumber = "0"] = b.split("-");
  return compareDigits(aTime, bTime) || compareDigits(aNumber, bNumber);
}

/**
 * The name under which the second judge files a stream: `market:trades market-1`, `user:orders user-1`.
 *
 * @param {string} channel @param {string | undefined} key the market or the user
 */
export const streamNameOf = (channel, key) => (key === undefined ? channel : `${channel} ${key}`);

/**
 * Which entity a message states as a whole, and how new that state is. Undefined on channels whose messages are events.
 *
 * @param {string} channel @param {{ id?: string, time: number }} data
 */
export function stateOf(channel, data) {
  if (channel === "user:portfolio") return { entity: "portfolio", version: data.time };
  if (channel === "user:orders" || channel === "user:copy-trade") {
    return { entity: String(data.id), version: data.time };
  }
  return undefined;
}
