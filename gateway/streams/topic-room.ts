import { roomName, type Topic } from "../../contract/stream.ts";
import { wholeChannelRoom } from "../../kernel/streams/redis-keys.ts";

/** Time that a room without subscribers stays subscribed in Redis, in ms: a reloaded page needs it again at once. */
const LINGER_MS = 5_000;

/** The room of a topic on this node, with the number of its leases. */
export class TopicRoom {
  readonly name: string;
  readonly topic: Topic;
  /** True for the room of a whole keyed channel. */
  readonly isChannelRoom: boolean;
  readonly #onUnused: (room: TopicRoom) => void;
  #opening: Promise<void> | undefined;
  #leases = 0;
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

  addLease(): void {
    this.#leases += 1;
    clearTimeout(this.#linger);
  }

  releaseLease(): void {
    this.#leases -= 1;
    if (this.#leases > 0) return;
    this.#linger = setTimeout(() => this.#onUnused(this), LINGER_MS);
    this.#linger.unref();
  }
}
