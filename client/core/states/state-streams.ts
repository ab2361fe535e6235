import type { Depth } from "../../../contract/limits.ts";
import type { DataEvent, DataMessage } from "../../../contract/messages.ts";
import type { StateFormat } from "../../../contract/state/state-format.ts";
import type { StreamKey } from "../topics/topic.ts";
import { type ProvenMessage, proveMessage, type Rejection } from "./prove-message.ts";

/** Puts the values of the streams of one state channel together. */
export class StateStreams {
  readonly #format: StateFormat<object>;
  /** Streams of which only a whole value counts, because the one that is held may not be the publisher's. */
  readonly #distrusted = new Set<StreamKey>();

  constructor(format: StateFormat<object>) {
    this.#format = format;
  }

  /** Returns the value that a message leads to, or why there is none. A wrong message makes its stream distrusted. */
  prove(event: DataEvent, held: DataMessage | undefined, depth: Depth | undefined): ProvenMessage | Rejection {
    const key = event.marketId;
    const isDistrusted = this.#distrusted.has(key);
    const proven = proveMessage(this.#format, event, {
      ...{ key, isDistrusted, depth },
      // Nothing else than proven messages is held.
      held: held as ProvenMessage | undefined,
    });
    if (proven === "wrong") this.#distrusted.add(key);
    if (typeof proven === "object") this.#distrusted.delete(key);
    return proven;
  }

  /** Waits for a whole value of a stream. */
  distrust(key: StreamKey): void {
    this.#distrusted.add(key);
  }

  isDistrusted(key: StreamKey): boolean {
    return this.#distrusted.has(key);
  }

  /** Returns the ids of the values that a change of a view applies to. */
  ids(held: ReadonlyMap<StreamKey, DataMessage>, depth: Depth | undefined): Map<StreamKey, string> {
    const sound = [...held].filter(([key, value]) => value.depth === depth && !this.#distrusted.has(key));
    return new Map(sound.map(([key, { id }]) => [key, id]));
  }

  clear(): void {
    this.#distrusted.clear();
  }
}
