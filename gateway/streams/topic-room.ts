import { roomName, type Topic } from "../../contract/stream.ts";
import type { StateView } from "../../kernel/protocol/state-recovery.ts";
import { wholeChannelRoom } from "../../kernel/streams/redis-keys.ts";
import { viewName } from "./stream-view.ts";

/** Time that a room without subscribers stays subscribed in Redis, in ms: a reloaded page needs it again at once. */
const LINGER_MS = 5_000;

/** A holder of a topic. */
export interface RoomLease {
  /** What it gets of the topic's streams. */
  readonly view: StateView;
  /** Called where the topic's one stream cannot be served any more. */
  readonly onLost: ((error: Error) => void) | undefined;
}

/** The room of a topic on this node, with its leases. */
export class TopicRoom {
  readonly name: string;
  readonly topic: Topic;
  /** True for the room of a whole keyed channel. */
  readonly isChannelRoom: boolean;
  readonly #onUnused: (room: TopicRoom) => void;
  #opening: Promise<void> | undefined;
  readonly #leases = new Set<RoomLease>();
  readonly #views = new Map<string, { readonly view: StateView; leases: number }>();
  #linger: NodeJS.Timeout | undefined;

  /** @param onUnused called some seconds after the last lease was released, unless there is a new one by then. */
  constructor(topic: Topic, onUnused: (room: TopicRoom) => void) {
    this.topic = topic;
    this.name = roomName(topic);
    this.isChannelRoom = this.name === wholeChannelRoom(topic.channel);
    this.#onUnused = onUnused;
  }

  /**
   * Settles once Redis confirmed the subscription and the states of the topic's streams are loaded, or could not. From
   * then on undefined: a stream without state is new then, not one that is being loaded.
   */
  get opening(): Promise<void> | undefined {
    return this.#opening;
  }

  startOpening(opening: Promise<void>): void {
    this.#opening = opening;
    // The rejection stays there for all who wait for it.
    opening.then(
      () => {
        this.#opening = undefined;
      },
      () => undefined,
    );
  }

  /** The kinds of subscribers that hold the topic. */
  get views(): Iterable<{ readonly view: StateView }> {
    return this.#views.values();
  }

  addLease(lease: RoomLease): void {
    const name = viewName(lease.view);
    const counted = this.#views.get(name) ?? { view: lease.view, leases: 0 };
    counted.leases += 1;
    this.#views.set(name, counted);
    this.#leases.add(lease);
    clearTimeout(this.#linger);
  }

  releaseLease(lease: RoomLease): void {
    if (!this.#leases.delete(lease)) return;
    const name = viewName(lease.view);
    const counted = this.#views.get(name);
    if (counted) counted.leases -= 1;
    if (counted?.leases === 0) this.#views.delete(name);
    if (this.#leases.size > 0) return;
    this.#linger = setTimeout(() => this.#onUnused(this), LINGER_MS);
    this.#linger.unref();
  }

  /** The number of holders. */
  get leases(): number {
    return this.#leases.size;
  }

  /** Tells the holders that the topic's one stream cannot be served any more. */
  lose(error: Error): void {
    for (const { onLost } of [...this.#leases]) onLost?.(error);
  }
}
