import type { ErrorCode } from "../../../contract/errors.ts";

/** The requests of a client, the same on both edges. */
export type RequestEvent = "subscribe" | "unsubscribe" | "authenticate";

/** Why a connection ended. */
export interface CloseReason {
  /** The contract's code, where the service gave one. */
  readonly code?: ErrorCode | undefined;
  readonly message: string;
  /** True if a request was larger than the service accepts. */
  readonly isTooLarge?: boolean;
  /** True if the link is dead although neither side closed it: a new connection may work immediately. */
  readonly isDead?: boolean;
}

/** Handles what happens on one connection. Nothing is called after `onClose`, nor after `close()` of the transport. */
export interface TransportListener {
  /** Called at most once, when the service has accepted the connection and its token. */
  onOpen(): void;
  /** Called with each event of the service in the order of arrival; its content is not validated yet. */
  onEvent(event: string, value: unknown): void;
  /** Called at most once, when the connection has ended or could not be opened. */
  onClose(reason: CloseReason): void;
}

/** One connection to one edge. It never reconnects. */
export interface Transport {
  /**
   * Sends a request. Calls `onAnswer`, in order with the events, with the reply or the `ErrorMessage`, not validated yet.
   * On the managed edge it may be called again, with further parts of a reply or with an error that revokes the reply. It
   * is not called if the connection ends first.
   */
  request(event: RequestEvent, content: object, onAnswer: (answer: unknown) => void): void;
  /** Sends a probe, which the service answers after everything that it sent before. Calls `onAnswer` at most once. */
  probe(onAnswer: () => void): void;
  /** Closes the connection immediately, without calling the listener. */
  close(): void;
}

export interface TransportOptions {
  readonly url: string;
  /** Null for an anonymous connection. */
  readonly token: string | null;
  /** Time limit of opening the connection, in ms. */
  readonly connectTimeoutMs: number;
  /** Time between pings, in ms, on the edge where the client sends them. */
  readonly pingIntervalMs: number;
  readonly listener: TransportListener;
}

/** Starts to connect, and returns at once. */
export type OpenTransport = (options: TransportOptions) => Transport;
