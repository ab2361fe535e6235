import { FIRST_ID } from "../../../contract/ids.ts";
import type { StreamPosition } from "../../../contract/stream.ts";
import { readDelivered } from "../streams/delivered-positions.ts";
import type { EdgeStreams } from "../streams/edge-streams.ts";
import type { RoomSubscriber } from "../table/room-subscriber.ts";
import type { StartFields } from "../table/start-fields.ts";
import type { StartPositions } from "../table/start-positions.ts";
import type { CatchUp } from "./catch-up.ts";

export interface StartFinderContext {
  readonly streams: EdgeStreams;
  readonly startPositions: StartPositions;
}

/**
 * Finds the start of a subscriber that is about to go live. In the room of one stream that is the id up to which it has
 * read the stream. In the room of a whole channel it is the fan-out's cursor, except for the streams that it has read
 * further or less far: the ids of these are saved.
 */
export class StartFinder {
  readonly #context: StartFinderContext;
  readonly #connectionId: string;
  readonly #catchUp: CatchUp;
  /** The ids that were compared with the cursor, by key. */
  readonly #compared = new Map<string, string>();
  /** The ids that differ from the cursor, by key. */
  readonly #differing = new Map<string, string>();

  constructor(context: StartFinderContext, connectionId: string, catchUp: CatchUp) {
    this.#context = context;
    this.#connectionId = connectionId;
    this.#catchUp = catchUp;
  }

  /** Call it after the subscriber's streams were read: a cursor that was read before may have moved by then. */
  async find(subscriber: RoomSubscriber): Promise<StartFields> {
    const { isWholeChannel, positions } = this.#catchUp;
    if (!isWholeChannel) return { startId: this.#catchUp.positionOf(subscriber.topic) ?? FIRST_ID };
    await this.#compare(positions);
    return this.#context.startPositions.save(subscriber, this.#differing);
  }

  /** Compares the positions that are new since the last call with the cursors. */
  async #compare(positions: readonly StreamPosition[]): Promise<void> {
    const fresh = positions.filter(({ stream: { key }, id }) => key !== undefined && this.#compared.get(key) !== id);
    const delivered = await readDelivered(
      this.#context.streams,
      this.#connectionId,
      fresh.map(({ stream }) => stream),
    );
    for (const [index, { stream, id }] of fresh.entries()) {
      const { key = "" } = stream;
      const cursor = delivered[index];
      // Without entries and without a cursor, whatever comes is new.
      const isEmpty = id === FIRST_ID && !cursor?.hasCursor;
      if (isEmpty || cursor?.id === id) this.#differing.delete(key);
      else this.#differing.set(key, id);
      this.#compared.set(key, id);
    }
  }
}
