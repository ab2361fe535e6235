/**
 * Execution reports of a broker's FIX 4.4 session, `|` in place of the SOH character between fields. A symbol is the
 * market and the outcome: `KXHIGHNY-25JUN01-B83.5/YES`.
 */
import type { EventEntry } from "@vezta/realtime-publisher";
import type { Adapter } from "./adapter.ts";

/** The tags that an execution report has here. */
const TAG = {
  account: 1,
  averagePrice: 6,
  commission: 12,
  filledSize: 14,
  executionId: 17,
  lastPrice: 31,
  lastSize: 32,
  messageType: 35,
  orderId: 37,
  size: 38,
  status: 39,
  type: 40,
  price: 44,
  side: 54,
  symbol: 55,
  text: 58,
  time: 60,
  executionType: 150,
} as const;

const EXECUTION_REPORT = "8";
const TRADE = "F";

const sides: Readonly<Record<string, "buy" | "sell">> = { "1": "buy", "2": "sell" };
const types: Readonly<Record<string, "market" | "limit">> = { "1": "market", "2": "limit" };

const statuses = {
  "0": "open",
  "1": "partially_filled",
  "2": "filled",
  "4": "canceled",
  "6": "open",
  "8": "rejected",
  A: "pending",
  C: "expired",
} as const;

type Fields = ReadonlyMap<number, string>;

const parseFields = (line: string): Fields =>
  new Map(
    line
      .replaceAll("\u0001", "|")
      .split("|")
      .filter((field) => field !== "")
      .map((field) => {
        const at = field.indexOf("=");
        return [Number(field.slice(0, at)), field.slice(at + 1)];
      }),
  );

function required(fields: Fields, tag: keyof typeof TAG): string {
  const value = fields.get(TAG[tag]);
  if (value === undefined) throw new Error(`the execution report has no ${tag} (tag ${TAG[tag]})`);
  return value;
}

function translate<Word>(words: Readonly<Record<string, Word>>, fields: Fields, tag: keyof typeof TAG): Word {
  const value = required(fields, tag);
  const word = words[value];
  if (word === undefined) throw new Error(`${tag} (tag ${TAG[tag]}): ${value} is not known here`);
  return word;
}

/** `20260601-12:30:15.417`, which is UTC, as ISO 8601. */
const toIso = (time: string): string => time.replace(/^(\d{4})(\d\d)(\d\d)-(.*)$/, "$1-$2-$3T$4Z");

const outcomes: Readonly<Record<string, "YES" | "NO">> = { YES: "YES", NO: "NO" };

function parseSymbol(symbol: string) {
  const at = symbol.lastIndexOf("/");
  const outcome = outcomes[symbol.slice(at + 1)];
  if (outcome === undefined) throw new Error(`symbol (tag ${TAG.symbol}): ${symbol} does not end with /YES or /NO`);
  return { marketId: symbol.slice(0, at), outcome };
}

/** The execution that led to the report, if one did. */
const toFill = (fields: Fields, time: string) =>
  fields.get(TAG.executionType) === TRADE
    ? {
        id: required(fields, "executionId"),
        price: required(fields, "lastPrice"),
        size: required(fields, "lastSize"),
        // Negative where the broker pays a rebate.
        fee: fields.get(TAG.commission) ?? "0",
        time,
      }
    : null;

function toOrder(fields: Fields): EventEntry {
  const time = toIso(required(fields, "time"));
  const averagePrice = fields.get(TAG.averagePrice);
  return {
    Source: "vezta.orders",
    DetailType: "OrderChanged",
    Detail: {
      ...{ userId: required(fields, "account"), eventId: required(fields, "executionId") },
      ...{ id: required(fields, "orderId"), ...parseSymbol(required(fields, "symbol")), exchange: "broker" },
      ...{ side: translate(sides, fields, "side"), type: translate(types, fields, "type") },
      ...{ status: translate(statuses, fields, "status"), price: fields.get(TAG.price) ?? null },
      ...{ size: required(fields, "size"), filledSize: required(fields, "filledSize") },
      // 0 until something is filled.
      averagePrice: Number(averagePrice) > 0 ? averagePrice : null,
      ...{ fill: toFill(fields, time), reason: fields.get(TAG.text), time },
    },
  };
}

export const createFixAdapter = (): Adapter => ({
  read(line) {
    const fields = parseFields(line);
    return fields.get(TAG.messageType) === EXECUTION_REPORT ? [toOrder(fields)] : [];
  },
});
