export interface FanOutOptions {
  /** Whether bundles may be written past Socket.IO; see `self-test.ts`. */
  readonly isDirect: boolean;
  /** Whether bundles for many are compressed for those clients that take them so; see `shared-deflate.ts`. */
  readonly isCompressed: boolean;
  /** Longest rest between two flushes on a busy node, in ms. */
  readonly windowMs: number;
  /** Longest wait of a heartbeat for a message to go with, in ms. */
  readonly heartbeatPatienceMs: number;
  /** Most bytes that may wait for one client. */
  readonly maximumWaitingBytes: number;
  /** Called after each flush: messages times clients, writes in the flush, bytes written since the one before. */
  readonly onFlush?: (flush: { readonly messages: number; readonly writes: number; readonly bytes: number }) => void;
  /** Called for each message that a client does not get because a newer one replaced it. */
  readonly onReplaced?: () => void;
}

/** Where a message goes: to a room and, unless they are in that one as well, to those in `whole`. */
export interface Target {
  readonly room: string;
  readonly whole?: string | undefined;
}
