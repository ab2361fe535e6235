import type { Socket as NetSocket } from "node:net";
import { type EngineConnection, hasWaitingPackets, tcpSocketOf } from "../socket-io/engine-connection.ts";
import { Backlog } from "./backlog.ts";
import { Bundle } from "./bundle.ts";
import { ClientHistory } from "./client-history.ts";
import type { Outgoing } from "./outgoing.ts";

/** Bytes that are written at once from a backlog: less than a kernel's send buffer takes, so that the rest can be replaced. */
const WRITE_BYTES = 65_536;

/** The settings and callbacks that all outboxes of a node share. */
export interface OutboxHost {
  /** Allows writing bundles past Socket.IO to the TCP connection. */
  readonly isDirect: boolean;
  /** Most bytes that may wait in one outbox. */
  readonly maximumBytes: number;
  /** Called when something begins to wait; `resume` has to be called until it returns true. */
  onWaiting(outbox: Outbox): void;
  /** Called for each message that a newer one has replaced while it waited. */
  onReplaced(): void;
  /** Called for each write to a TCP connection. */
  onWrite(bytes: number): void;
}

export interface OutboxOptions {
  readonly connection: EngineConnection;
  /** The window, in bits, up to which the client takes bundles that are compressed once for all; 0 where it takes none. */
  readonly windowBits: number;
  /** Called once when the client lets too much wait. What waited is dropped by then, and nothing is sent any more. */
  readonly onOverflow: () => void;
  readonly host: OutboxHost;
}

/**
 * Sends bundles to one client, in order with each other and with what Socket.IO sends it. A client that reads gets one
 * write per bundle; for one that does not, messages wait here, up to a limit.
 */
export class Outbox {
  readonly connection: EngineConnection;
  readonly #host: OutboxHost;
  readonly #onOverflow: () => void;
  #tcp: NetSocket | undefined;
  #backlog: Backlog | undefined;
  readonly #history: ClientHistory | undefined;
  #drainListeners: (() => void)[] | undefined;
  #hasOverflowed = false;
  #isWriting = false;

  constructor({ connection, windowBits, onOverflow, host }: OutboxOptions) {
    this.connection = connection;
    this.#history = windowBits > 0 ? new ClientHistory(windowBits) : undefined;
    this.#onOverflow = onOverflow;
    this.#host = host;
    this.#findTcp();
    if (connection.transport.name !== "websocket") connection.once("upgrade", () => this.#findTcp());
  }

  /** True for a client that takes bundles that are compressed once for all. */
  get isCompressed(): boolean {
    return this.#history !== undefined;
  }

  /** Sends bundles, with one write if the client takes them at once. */
  send(bundles: readonly Bundle[]): void {
    if (this.#backlog === undefined && this.#isFree()) this.#write(bundles);
    else if (this.#isOpen) for (const { parts } of bundles) this.#hold(parts);
  }

  /** True where the client has taken all that was sent so far, or is gone. */
  get isDrained(): boolean {
    return !this.#isOpen || (this.#backlog === undefined && this.#isFree());
  }

  /** Resolves once the client has taken all that was sent so far, or is gone. */
  async drained(): Promise<void> {
    if (this.isDrained) return;
    await new Promise<void>((resolve) => {
      this.#drainListeners ??= [];
      this.#drainListeners.push(resolve);
      this.#host.onWaiting(this);
    });
  }

  /** Gives all that waits to Socket.IO, so that what Socket.IO sends next does not overtake it. */
  release(): void {
    const backlog = this.#backlog;
    if (!backlog || this.#isWriting) return;
    this.#backlog = undefined;
    this.#writePackets(backlog.take(Number.POSITIVE_INFINITY));
  }

  /** Sends what waits if the client takes it. Returns true once nothing waits any more. */
  resume(): boolean {
    if (this.#isOpen) {
      if (!this.#isFree()) return false;
      if (this.#backlog) {
        this.#write([new Bundle(this.#backlog.take(WRITE_BYTES))]);
        if (!this.#backlog.isEmpty) return false;
      }
    }
    this.#backlog = undefined;
    const listeners = this.#drainListeners ?? [];
    this.#drainListeners = undefined;
    for (const listener of listeners) listener();
    return true;
  }

  get #isOpen(): boolean {
    return !this.#hasOverflowed && this.connection.readyState === "open";
  }

  #isFree(): boolean {
    if (!this.#isOpen || hasWaitingPackets(this.connection)) return false;
    return this.#tcp === undefined || this.#tcp.writableLength === 0;
  }

  #findTcp(): void {
    if (this.#host.isDirect) this.#tcp = tcpSocketOf(this.connection);
  }

  #write(bundles: readonly Bundle[]): void {
    if (this.#tcp === undefined) {
      for (const { parts } of bundles) this.#writePackets(parts);
      return;
    }
    const [first] = bundles;
    const bytes =
      first && bundles.length === 1
        ? first.bytesFor(this.#history)
        : Buffer.concat(bundles.map((bundle) => bundle.bytesFor(this.#history)));
    // A write without a callback is the cheapest; `writableLength` shows when it is over.
    this.#tcp.write(bytes);
    this.#host.onWrite(bytes.length);
  }

  #writePackets(parts: readonly Outgoing[]): void {
    this.#isWriting = true;
    try {
      for (const { text } of parts) this.connection.write(text, { compress: false });
    } finally {
      this.#isWriting = false;
    }
  }

  #hold(parts: readonly Outgoing[]): void {
    if (this.#hasOverflowed) return;
    if (this.#backlog === undefined) this.#host.onWaiting(this);
    this.#backlog ??= new Backlog();
    for (const part of parts) if (this.#backlog.add(part)) this.#host.onReplaced();
    if (this.#backlog.bytes <= this.#host.maximumBytes) return;
    this.#backlog = undefined;
    this.#hasOverflowed = true;
    this.#onOverflow();
  }
}
