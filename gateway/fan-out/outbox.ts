import type { Socket as NetSocket } from "node:net";
import { type EngineConnection, hasWaitingPackets, tcpSocketOf } from "../socket-io/engine-connection.ts";
import { Backlog } from "./backlog.ts";
import { Bundle } from "./bundle.ts";
import type { Outgoing } from "./outgoing.ts";

/** Written at once from a backlog: some of what a kernel's send buffer takes, so that the rest can still be replaced. */
const WRITE_BYTES = 65_536;

/** What all outboxes of a node share. */
export interface OutboxHost {
  /** Whether bundles may be written past Socket.IO to the TCP connection. */
  readonly isDirect: boolean;
  /** Most bytes that wait in one outbox. */
  readonly maximumBytes: number;
  /** Called when something begins to wait; `resume` is to be called again and again until it returns true. */
  onWaiting(outbox: Outbox): void;
  /** Called for each message that a newer one has replaced while it waited. */
  onReplaced(): void;
  /** Called for each write to a TCP connection. */
  onWrite(bytes: number): void;
}

export interface OutboxOptions {
  readonly connection: EngineConnection;
  /** Whether the client takes bundles that are compressed for all. */
  readonly isCompressed: boolean;
  /** Called once when the client lets too much wait. What waited is dropped, and nothing is sent any more. */
  readonly onOverflow: () => void;
  readonly host: OutboxHost;
}

/**
 * The way of bundles to one client, in order with each other and with what Socket.IO sends it. A client that reads gets
 * one write per bundle; for one that does not, messages wait here, up to a bound.
 */
export class Outbox {
  readonly connection: EngineConnection;
  readonly #host: OutboxHost;
  readonly #isCompressed: boolean;
  readonly #onOverflow: () => void;
  #tcp: NetSocket | undefined;
  #backlog: Backlog | undefined;
  /** The tail of the last compressed bundle that the client got. */
  #history: Buffer | undefined;
  #levelListeners: (() => void)[] | undefined;
  #isOverflown = false;
  #isWriting = false;

  constructor({ connection, isCompressed, onOverflow, host }: OutboxOptions) {
    this.connection = connection;
    this.#isCompressed = isCompressed;
    this.#onOverflow = onOverflow;
    this.#host = host;
    this.#findTcp();
    if (connection.transport.name !== "websocket") connection.once("upgrade", () => this.#findTcp());
  }

  /** Sends bundles, with one write if the client takes them at once. */
  send(bundles: readonly Bundle[]): void {
    if (this.#backlog === undefined && this.#isFree()) this.#write(bundles);
    else if (this.#isOpen) for (const { parts } of bundles) this.#hold(parts);
  }

  /** Whether the client has taken all that was sent so far, or is gone. */
  get isLevel(): boolean {
    return !this.#isOpen || (this.#backlog === undefined && this.#isFree());
  }

  /** Resolves once it is level. */
  async untilLevel(): Promise<void> {
    if (this.isLevel) return;
    await new Promise<void>((resolve) => {
      this.#levelListeners ??= [];
      this.#levelListeners.push(resolve);
      this.#host.onWaiting(this);
    });
  }

  /** Hands all that waits to Socket.IO, so that what Socket.IO sends next does not overtake it. */
  release(): void {
    const backlog = this.#backlog;
    if (!backlog || this.#isWriting) return;
    this.#backlog = undefined;
    this.#writePackets(backlog.take(Number.POSITIVE_INFINITY));
  }

  /** Sends what waits if the client takes it. Returns whether nothing waits any more. */
  resume(): boolean {
    if (this.#isOpen) {
      if (!this.#isFree()) return false;
      if (this.#backlog) {
        this.#write([new Bundle(this.#backlog.take(WRITE_BYTES))]);
        if (!this.#backlog.isEmpty) return false;
      }
    }
    this.#backlog = undefined;
    const listeners = this.#levelListeners ?? [];
    this.#levelListeners = undefined;
    for (const listener of listeners) listener();
    return true;
  }

  get #isOpen(): boolean {
    return !this.#isOverflown && this.connection.readyState === "open";
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
        ? this.#bytesOf(first)
        : Buffer.concat(bundles.map((bundle) => this.#bytesOf(bundle)));
    // A write without a callback is the cheapest; whether it is over shows in `writableLength`.
    this.#tcp.write(bytes);
    this.#host.onWrite(bytes.length);
  }

  #bytesOf(bundle: Bundle): Buffer {
    if (!this.#isCompressed || !bundle.compression) return bundle.bytes;
    const bytes = bundle.compressed(this.#history);
    this.#history = bundle.tail;
    return bytes;
  }

  #writePackets(parts: readonly Outgoing[]): void {
    this.#isWriting = true;
    for (const { text } of parts) this.connection.write(text, { compress: false });
    this.#isWriting = false;
  }

  #hold(parts: readonly Outgoing[]): void {
    if (this.#isOverflown) return;
    if (this.#backlog === undefined) this.#host.onWaiting(this);
    this.#backlog ??= new Backlog();
    for (const part of parts) if (this.#backlog.add(part)) this.#host.onReplaced();
    if (this.#backlog.bytes <= this.#host.maximumBytes) return;
    this.#backlog = undefined;
    this.#isOverflown = true;
    this.#onOverflow();
  }
}
