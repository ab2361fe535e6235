/** The deliveries since the report before this one. */
export interface Flush {
  /** Messages of rooms, once for each client that they were handed to. */
  readonly messages: number;
  /** Hand-overs to clients; several messages may go with one. */
  readonly writes: number;
  /** Bytes written past Socket.IO. */
  readonly bytes: number;
  /** The id of the entry that was queued first of those sent to rooms; undefined where there was none. */
  readonly oldestId?: string | undefined;
}

export interface FanOutOptions {
  /** Allows writing bundles past Socket.IO; see `socket-io/self-test.ts`. */
  readonly isDirect: boolean;
  /** Compresses bundles where it pays, for those clients that take them so; see `shared-compression.ts`. */
  readonly isCompressed: boolean;
  /** Most bytes of sent messages that are held, over all rooms, for later ones to refer to. */
  readonly compressionMemoryBytes: number;
  /** Longest rest between two flushes on a busy node, in ms. */
  readonly windowMs: number;
  /** Longest wait of a heartbeat for a message to go with, in ms. */
  readonly heartbeatDeferMs: number;
  /** Most bytes that may wait for one client. */
  readonly maximumWaitingBytes: number;
  /** Called before each flush of what is queued. */
  readonly onFlushing?: () => void;
  /** Called after each flush. */
  readonly onFlush?: (flush: Flush) => void;
  /** Called for each message that a client does not get because a newer one replaced it. */
  readonly onReplaced?: () => void;
  /** Called with what `onFlush` or the write to one client has thrown. The other clients get their messages. */
  readonly onError: (error: unknown) => void;
}

/** The rooms that a message goes to: `room` and, for the clients that are not in that one, `channelRoom`. */
export interface Target {
  readonly room: string;
  readonly channelRoom?: string | undefined;
}
