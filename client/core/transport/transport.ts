import type { ErrorCode } from "../../../contract/errors.ts";

/** What a client may ask of either edge. */
export type RequestEvent = "subscribe" | "unsubscribe" | "authenticate";

/** Why a connection ended. */
export interface CloseReason {
  /** Where the service said why, in the words of the contract. */
  readonly code?: ErrorCode | undefined;
  readonly message: string;
  /** Whether a request was larger than the service takes. */
  readonly isTooLarge?: boolean;
  /** Whether the link is dead although nobody has closed it: another one may work at once. */
  readonly isDead?: boolean;
}

/** Takes what happens on one connection. Nothing is called after `onClose`, nor after `close()` of the transport. */
export interface TransportListener {
  /** The service has taken the connection, with its token. Called at most once. */
  onOpen(): void;
  /** One event of the service, in the order of their arrival; its content is not checked yet. */
  onEvent(event: string, value: unknown): void;
  /** The connection has ended, or could not be made. Called at most once. */
  onClose(reason: CloseReason): void;
}

/** One connection to one edge. It never reconnects by itself. */
export interface Transport {
  /**
   * Sends a request. `onAnswer` is called in order with the events: with the reply or with the `ErrorMessage`, not
   * checked yet. On the managed edge it may be called again, with further parts of a reply or with an error that takes
   * the reply back. It is not called if the connection ends before.
   */
  request(event: RequestEvent, content: object, onAnswer: (answer: unknown) => void): void;
  /** Asks the service for a sign of life, behind whatever it has sent before. `onAnswer` is called at most once. */
  probe(onAnswer: () => void): void;
  /** Ends the connection at once, without calling the listener. */
  close(): void;
}

export interface TransportOptions {
  readonly url: string;
  /** Null for an anonymous connection. */
  readonly token: string | null;
  /** How long it may take to open, in ms. */
  readonly connectTimeoutMs: number;
  /** Time between pings, in ms, where the edge leaves pings to the client. */
  readonly pingIntervalMs: number;
  readonly listener: TransportListener;
}

/** Begins to connect. */
export type OpenTransport = (options: TransportOptions) => Transport;
