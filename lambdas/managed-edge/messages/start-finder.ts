import { FIRST_ID, type Topic } from "../../../contract/stream.ts";
import { readDelivered } from "../streams/delivered-ids.ts";
import type { EdgeStreams, KeyAndId } from "../streams/edge-streams.ts";
import type { ConnectionKey, Listener } from "../table/room-subscriber.ts";
import type { StartFields } from "../table/start-fields.ts";
import type { StartPositions } from "../table/start-positions.ts";
import type { CatchUp } from "./catch-up.ts";

export interface StartFinderContext {
  readonly streams: EdgeStreams;
  readonly starts: StartPositions;
}

/**
 * Finds from where on a listener that is about to go live gets messages. In the room of one stream that is the id that it
 * has read; in the room of a whole channel it is where the fan-out is, but for the streams that it has read further or
 * less far: their ids are written down.
 */
export class StartFinder {
  readonly #context: StartFinderContext;
  readonly #connection: ConnectionKey;
  readonly #catchUp: CatchUp;
  /** Ids that were compared with the cursor, by key. */
  readonly #compared = new Map<string, string>();
  readonly #elsewhere = new Map<string, string>();

  constructor(context: StartFinderContext, connection: ConnectionKey, catchUp: CatchUp) {
    this.#context = context;
    this.#connection = connection;
    this.#catchUp = catchUp;
  }

  /** Call it after the listener's streams were read: a cursor that is read before may be another one by then. */
  async find(listener: Listener): Promise<StartFields> {
    const { positions, isWhole } = this.#catchUp;
    if (!isWhole) return { startId: positions.get(listener.stream.key) ?? FIRST_ID };
    const read = [...positions].flatMap(([key, id]): KeyAndId[] => (key === undefined ? [] : [[key, id]]));
    await this.#compare(listener.stream, read);
    return this.#context.starts.save(listener, this.#elsewhere);
  }

  /** Compares with the cursors what was read since the last time. */
  async #compare({ channel }: Topic, read: readonly KeyAndId[]): Promise<void> {
    const fresh = read.filter(([key, id]) => this.#compared.get(key) !== id);
    const delivered = await readDelivered(
      this.#context.streams,
      this.#connection,
      fresh.map(([key]) => ({ channel, key })),
    );
    for (const [index, [key, id]] of fresh.entries()) {
      const at = delivered[index];
      // Without entries and without a cursor: whatever comes is new.
      const isEmpty = id === FIRST_ID && !at?.hasCursor;
      if (isEmpty || at?.id === id) this.#elsewhere.delete(key);
      else this.#elsewhere.set(key, id);
      this.#compared.set(key, id);
    }
  }
}
