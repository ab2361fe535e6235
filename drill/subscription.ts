import type { Channel } from "../contract/channels.ts";
import { compareIds, FIRST_ID } from "../contract/ids.ts";
import type { DataEvent, HeartbeatMessage, SubscribedMessage } from "../contract/messages.ts";
import { KeptValue } from "./kept-value.ts";
import { type DrillStream, named } from "./messages.ts";
import { Position, type Step } from "./position.ts";

/** Request of a client: one stream, several markets, or a whole channel. */
export interface Request {
  readonly channel: Channel;
  readonly marketId?: string | readonly string[];
  /** Asks for what changed, on a `state` channel; every sum is checked then. */
  readonly changes?: true;
}

/** Time that heartbeats may be ahead of the received messages before that counts as a hole, in ms. */
const PATIENCE_MS = 1_000;

/** One stream as one subscription follows it. */
export interface Followed {
  readonly position: Position;
  readonly value: KeptValue;
  /** Time since which heartbeats have been ahead, in ms since 1970. */
  behindSince: number | undefined;
  /** Id up to which the answer to the last request reaches: older entries came by resuming. */
  resumedUntil: string;
  /** A hole that is being filled. */
  isOpen: boolean;
  /** True if the next answer is to show whether something was missing. */
  isSuspect: boolean;
  /** Last id that the pending request named. */
  asked: string | undefined;
}

/** Result of an answer, for the client's journal. */
export interface Settled {
  readonly holes: number;
  /** True if a stream began unseen, so that its first messages have to be asked for. */
  readonly isBehind: boolean;
  /** The streams that the server said it cannot complete, with the last id that the client had. */
  readonly reported: readonly { readonly stream: DrillStream; readonly lastId: string }[];
}

function settleStream(
  followed: Followed,
  id: string,
  isLost: boolean,
): { isHole: boolean; isBehind: boolean; report?: Settled["reported"][number] } {
  const { position, asked, isSuspect } = followed;
  const isBehind = !position.isLatest && asked === undefined && compareIds(position.lastId ?? FIRST_ID, id) < 0;
  followed.resumedUntil = asked === undefined ? FIRST_ID : id;
  followed.isSuspect = isBehind;
  followed.behindSince = undefined;
  const isHole = isSuspect && !position.isLatest && asked !== undefined && asked !== id;
  followed.isOpen = isHole && !isLost;
  position.answer();
  if (!isLost) return { isHole, isBehind };
  position.accept(id);
  return { isHole, isBehind, report: { stream: position.stream, lastId: asked ?? FIRST_ID } };
}

/** One subscription of one client, over all its connections. */
export class Subscription {
  readonly request: Request;
  readonly followed = new Map<string, Followed>();
  /** True while an answer is awaited. */
  isAsking = false;
  readonly #fixedKey: string | undefined;
  #isAnswered = false;

  /** @param user whose private streams these are. */
  constructor(request: Request, user?: string) {
    this.request = request;
    this.#fixedKey = request.channel.startsWith("user:") ? user : undefined;
  }

  /** The words of the next `subscribe`, with what the client has. */
  ask(): Request & { readonly lastId?: string | Readonly<Record<string, string>> } {
    this.isAsking = true;
    for (const each of this.followed.values()) each.asked = each.position.lastId;
    const known = [...this.followed.values()].filter(({ asked }) => asked !== undefined);
    if (known.length === 0) return this.request;
    const single = typeof this.request.marketId === "string" || !this.request.channel.startsWith("market:");
    if (single) return { ...this.request, lastId: known[0]?.asked };
    return {
      ...this.request,
      lastId: Object.fromEntries(known.map(({ position, asked }) => [position.stream.key ?? "", asked ?? FIRST_ID])),
    };
  }

  /** Takes the answer to the last `ask`. */
  settle(answer: SubscribedMessage): Settled {
    this.isAsking = false;
    const ids: [string | undefined, string][] = answer.ids
      ? Object.entries(answer.ids)
      : [[typeof answer.marketId === "string" ? answer.marketId : this.#fixedKey, answer.id ?? FIRST_ID]];
    const isLost = (key: string | undefined): boolean =>
      answer.recovered === false && (answer.unrecovered?.includes(key ?? "") ?? true);
    const settled = ids.map(([key, id]) => {
      const followed = this.#follow(key, this.#isAnswered ? FIRST_ID : id);
      return settleStream(followed, id, isLost(key));
    });
    this.#isAnswered = true;
    return {
      holes: settled.filter(({ isHole }) => isHole).length,
      isBehind: settled.some(({ isBehind }) => isBehind),
      reported: settled.flatMap(({ report }) => (report ? [report] : [])),
    };
  }

  /** Decides on a message and takes note of it. */
  take(message: DataEvent): { readonly step: Step | "mismatch"; readonly followed: Followed } {
    const followed = this.#follow(message.marketId ?? this.#fixedKey, FIRST_ID);
    const step = followed.position.take(message);
    const kept = step === "apply" ? followed.value.take(message) : "proven";
    if (kept !== "proven") {
      // Asked for without an id, the value comes whole.
      followed.position.lastId = undefined;
      followed.isSuspect = true;
      return { step: kept, followed };
    }
    if (step === "hole" || step === "reset") followed.isSuspect = true;
    if (step === "apply") followed.behindSince = undefined;
    return { step, followed };
  }

  /** True if a heartbeat shows that something is missing: it has been ahead for long, or Redis has gone back. */
  hears({ id, ids, marketId }: HeartbeatMessage, now: number): boolean {
    const pairs: [string | undefined, string][] = ids
      ? Object.entries(ids)
      : id === undefined
        ? []
        : [[marketId ?? this.#fixedKey, id]];
    return pairs.some(([key, current]) => {
      const followed = this.#follow(key, FIRST_ID);
      const order = compareIds(current, followed.position.lastId ?? FIRST_ID);
      if (order === 0) followed.behindSince = undefined;
      else followed.behindSince ??= order > 0 ? now : 0;
      const isLate = followed.behindSince !== undefined && now - followed.behindSince > PATIENCE_MS;
      if (isLate) followed.isSuspect = true;
      return isLate;
    });
  }

  /** The connection has gone: whatever came meanwhile is missing. */
  suspectAll(): void {
    this.isAsking = false;
    for (const each of this.followed.values()) each.isSuspect = true;
  }

  #follow(key: string | undefined, lastId: string): Followed {
    const stream = named({ channel: this.request.channel, key });
    const existing = this.followed.get(stream.name);
    if (existing) return existing;
    const position = new Position(stream);
    if (!position.isLatest) position.lastId = lastId;
    const fresh = { behindSince: undefined, resumedUntil: FIRST_ID, isOpen: false, isSuspect: false, asked: undefined };
    const followed: Followed = { position, value: new KeptValue(), ...fresh };
    this.followed.set(stream.name, followed);
    return followed;
  }
}
