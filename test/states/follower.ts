import type { Depth } from "../../contract/limits.ts";
import type { DataEvent } from "../../contract/messages.ts";
import { StateReceiver } from "../support/state-receiver.ts";
import type { Connection, Place } from "./places.ts";
import type { Truth } from "./truth.ts";

/** What a follower asks for of its stream. */
export interface View {
  readonly changes?: true;
  readonly maxRate?: number;
  readonly depth?: Depth;
}

/** The text of a value; of a depth without the time, which changes without a message. */
const textOf = (value: object | undefined, { depth }: View): string =>
  JSON.stringify(depth === undefined ? value : { ...value, time: 0 });

/**
 * A client that keeps one stream by the rules of docs/protocol.md alone, at any of the places, and takes its position from
 * one to the next. What it is told to do it does in order, while everything else goes on.
 */
export class Follower {
  readonly receiver = new StateReceiver();
  view: View;
  /** What it asked and was sent, for each message that did not lead to a proven value, and each answer that something is lost. */
  readonly faults: string[] = [];
  readonly #truth: Truth;
  #place: Place;
  #connection: Connection | undefined;
  #isReading = true;
  /** True where a message that was on its way may come after the answer to a request that it should have come before. */
  #isDisturbed = false;
  #journal: string[] = [];
  #tail: Promise<unknown> = Promise.resolve();

  constructor(truth: Truth, place: Place, view: View) {
    this.#truth = truth;
    this.#place = place;
    this.view = view;
    this.#do(() => this.#connect());
  }

  /** Resolves once it has done what it was told. */
  async settle(): Promise<void> {
    await this.#tail;
    if (this.#connection?.isEnded) this.move(this.#place);
    await this.#tail;
  }

  /** Goes to a place, or connects anew where it is, with its position. */
  move(place: Place): void {
    this.#do(async () => {
      this.end();
      this.#place = place;
      await this.#connect();
    });
  }

  /** Leaves the stream, and asks for it again, with its position unless it has forgotten that. */
  comeBack(forgets: boolean): void {
    this.#do(async () => {
      this.#readOn();
      this.#isDisturbed = !this.#place.isOrdered;
      await this.#ask("unsubscribe");
      if (forgets) this.receiver.lastId = undefined;
      await this.#subscribe(this.receiver.lastId);
    });
  }

  /** Asks for another view on the same connection. */
  changeView(view: View): void {
    this.#do(async () => {
      this.#readOn();
      this.#isDisturbed = !this.#place.isOrdered;
      this.view = view;
      await this.#subscribe(undefined);
    });
  }

  stopReading(): void {
    this.#do(async () => {
      this.#isReading = false;
      await this.#connection?.stopReading();
    });
  }

  readOn(): void {
    this.#do(async () => this.#readOn());
  }

  end(): void {
    this.#connection?.end();
    this.#connection = undefined;
    this.#isReading = true;
  }

  /** The value that it has. */
  get text(): string {
    return textOf(this.receiver.state?.value, this.view);
  }

  /** The value that it should have. */
  get expected(): string {
    return textOf(this.#truth.value(this.view.depth), this.view);
  }

  #do(action: () => Promise<unknown>): void {
    this.#tail = this.#tail.then(action);
  }

  #readOn(): void {
    if (!this.#isReading) this.#connection?.readOn();
    this.#isReading = true;
  }

  async #connect(): Promise<void> {
    const { key = "" } = this.#truth.stream;
    this.#isDisturbed = false;
    this.#journal = [];
    this.#connection = await this.#place.connect(key, (message) => this.#take(message));
    await this.#subscribe(this.receiver.lastId);
  }

  #subscribe(lastId: string | undefined): Promise<void> {
    return this.#ask("subscribe", { ...this.view, ...(lastId === undefined ? {} : { lastId }) });
  }

  async #ask(event: "subscribe" | "unsubscribe", request: object = {}): Promise<void> {
    const { channel, key } = this.#truth.stream;
    const marketId = channel === "market:orderbook" ? { marketId: key } : {};
    const answer = await this.#connection?.ask(event, { channel, ...marketId, ...request });
    this.#journal.push(`${event} ${JSON.stringify(request)}: ${JSON.stringify(answer)}`);
    // Redis has lost nothing.
    if (answer?.recovered === false) this.faults.push(this.#journal.join("\n"));
    if (answer?.code !== undefined) throw new Error(`${event} was refused: ${JSON.stringify(answer)}`);
  }

  #take(message: DataEvent): void {
    const { id, prev } = message;
    this.#journal.push(`${"data" in message ? "whole" : "changes"} ${id} after ${prev}`);
    const { channel, key } = this.#truth.stream;
    const isOwn = message.channel === channel && (message.marketId === undefined || message.marketId === key);
    if (!isOwn || message.depth !== this.view.depth || this.receiver.take(message)) return;
    if (!this.#isDisturbed) this.faults.push(this.#journal.join("\n"));
    this.changeView(this.view);
  }
}
