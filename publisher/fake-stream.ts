import { type Channel, type ChannelDefinition, channelDefinition } from "../contract/channels.ts";
import { EARLIEST_TIME_MS } from "../contract/time-units.ts";
import type { PreparedHeader, PreparedMessage, PreparedState } from "../kernel/streams/prepare-message.ts";
import { REMEMBERED_EPOCHS } from "../kernel/streams/publish-script.ts";

/** The newest state of a stream or of an entity. */
interface HeldState {
  readonly version: number;
  /** The epoch that counts, then those that it replaced; none where the version is a time. */
  readonly epochs: readonly string[];
  /** The events of that version. */
  readonly events: Set<string>;
}

export interface FakeClock {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Limit, in ms, on how far ahead of `now` a version that is a time may be. */
  readonly maximumClockSkewMs: number;
}

/**
 * One stream in memory, with the answers of the publish script (publish-script.ts), in the same words. It forgets neither
 * events nor entities, and no clock is wrong.
 */
export class FakeStream {
  readonly #definition: ChannelDefinition;
  readonly #events = new Set<string>();
  readonly #held = new Map<string, HeldState>();
  readonly #staleSince = new Map<string, number>();
  #newestId = { time: 0, sequence: 0 };

  constructor(channel: Channel) {
    this.#definition = channelDefinition(channel);
  }

  /** Takes a message. Returns its entry id, or why it is refused. */
  add(message: PreparedMessage | PreparedState, clock: FakeClock): string {
    const { dedupeSeconds, stateOf } = this.#definition;
    if (dedupeSeconds > 0 && this.#events.has(message.eventId)) return "duplicate";
    const refusal = stateOf === "nothing" ? undefined : this.#compare(message, clock);
    if (refusal !== undefined) return refusal;
    const missing = "content" in message ? this.#missingBase(message) : undefined;
    if (missing !== undefined) return missing;
    this.#events.add(message.eventId);
    return this.#nextId(clock.now);
  }

  /** Returns why changes do not fit the newest value; undefined where they do, and for a whole value. */
  #missingBase({ content }: PreparedState): string | undefined {
    if (content.kind === "whole") return undefined;
    if (this.#newestId.time === 0) return "empty";
    const { time, sequence } = this.#newestId;
    return content.base === undefined || content.base === `${time}-${sequence}` ? undefined : "base";
  }

  /** Refuses a message as stale, whatever is held. */
  refuseAsStale({ version, entity }: PreparedHeader, { now }: FakeClock): string {
    const { version: held, epochs } = this.#held.get(entity) ?? { version: version + 1, epochs: [] };
    return this.#stale(entity, held, epochs, now);
  }

  /** Holds the message's state, or returns why it is refused. */
  #compare(message: PreparedHeader, { now, maximumClockSkewMs }: FakeClock): string | undefined {
    const { version, versionEpoch, entity, eventId } = message;
    const isTime = versionEpoch === "";
    if (isTime && (version < EARLIEST_TIME_MS || version > now + maximumClockSkewMs)) return `time ${now}`;
    const held = this.#held.get(entity);
    if (!held) return this.#hold(message, isTime ? [] : [versionEpoch]);
    const [newest = "", ...replaced] = held.epochs;
    if (isTime !== (newest === "")) return `mixed ${newest}`;
    if (versionEpoch !== newest) {
      if (replaced.includes(versionEpoch)) return this.#stale(entity, held.version, held.epochs, now);
      return this.#hold(message, [versionEpoch, ...held.epochs].slice(0, REMEMBERED_EPOCHS));
    }
    if (version < held.version) return this.#stale(entity, held.version, held.epochs, now);
    if (version > held.version) return this.#hold(message, held.epochs);
    if (held.events.has(eventId)) return "duplicate";
    held.events.add(eventId);
    this.#staleSince.delete(entity);
    return undefined;
  }

  #hold({ version, entity, eventId }: PreparedHeader, epochs: readonly string[]): undefined {
    this.#held.set(entity, { version, epochs, events: new Set([eventId]) });
    this.#staleSince.delete(entity);
  }

  #stale(entity: string, heldVersion: number, epochs: readonly string[], now: number): string {
    const since = this.#staleSince.get(entity) ?? now;
    this.#staleSince.set(entity, since);
    return `stale ${heldVersion} ${since} ${now - since} ${epochs[0] ?? ""}`;
  }

  #nextId(now: number): string {
    const { time, sequence } = this.#newestId;
    this.#newestId = now > time ? { time: now, sequence: 0 } : { time, sequence: sequence + 1 };
    return `${this.#newestId.time}-${this.#newestId.sequence}`;
  }
}
