import { compareIds } from "../../contract/ids.ts";
import type { Depth } from "../../contract/limits.ts";
import type { DataEvent, ErrorMessage } from "../../contract/messages.ts";
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
  /** Set from a request for another view until the first whole value after its answer. */
  #isSwitching: "asked" | "answered" | undefined;
  #journal: string[] = [];
  #hasLeft = false;
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
      this.#end();
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
      this.#isSwitching = "asked";
      await this.#subscribe(undefined);
      if (this.#isSwitching) this.#isSwitching = "answered";
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

  /** Goes for good, whatever it is doing. */
  leave(): void {
    this.#hasLeft = true;
    this.#end();
  }

  /** The value that it has. */
  get text(): string {
    return textOf(this.receiver.state?.value, this.view);
  }

  /** The value that it should have. */
  get expected(): string {
    return textOf(this.#truth.value(this.view.depth), this.view);
  }

  /** What it asked and was sent on its connection. */
  get journal(): string {
    return this.#journal.join("\n");
  }

  #do(action: () => Promise<unknown>): void {
    this.#tail = this.#tail.then(action).catch((error: unknown) => this.#reconnect(error));
  }

  /** Connects anew with its position, where the service has ended the connection; the edge does so where a post fails. */
  async #reconnect(error: unknown): Promise<void> {
    if (this.#hasLeft) return;
    if (!this.#connection?.isEnded) throw error;
    this.#end();
    await this.#connect();
  }

  #end(): void {
    this.#connection?.end();
    this.#connection = undefined;
    this.#isReading = true;
  }

  #readOn(): void {
    if (!this.#isReading) this.#connection?.readOn();
    this.#isReading = true;
  }

  async #connect(): Promise<void> {
    const { key = "" } = this.#truth.stream;
    this.#isDisturbed = false;
    this.#isSwitching = undefined;
    this.#journal = [];
    this.#connection = await this.#place.connect(key, {
      onData: (message) => this.#take(message),
      onEnded: (error) => this.#resume(error),
    });
    if (this.#hasLeft) this.#end();
    else await this.#subscribe(this.receiver.lastId);
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
    if (answer?.recovered === false) this.faults.push(this.journal);
    if (answer?.code !== undefined) throw new Error(`${event} was refused: ${JSON.stringify(answer)}`);
  }

  /** Asks again, with its position, where the service has ended the subscription. */
  #resume(error: ErrorMessage): void {
    this.#journal.push(`ended: ${JSON.stringify(error)}`);
    this.#isDisturbed = !this.#place.isOrdered;
    this.#do(() => this.#subscribe(this.receiver.lastId));
  }

  /** Shows nothing of a message that is older than the position, and asks what has become of the stream. */
  #takeOld(lastId: string): void {
    if (!this.#isDisturbed) this.faults.push(this.journal);
    this.#do(() => this.#subscribe(lastId));
  }

  #take(message: DataEvent): void {
    const { id, prev } = message;
    this.#journal.push(`${"data" in message ? "whole" : "changes"} ${id} after ${prev}`);
    const { channel, key } = this.#truth.stream;
    const isOwn = message.channel === channel && (message.marketId === undefined || message.marketId === key);
    if (!isOwn || message.depth !== this.view.depth) return;
    const { lastId } = this.receiver;
    const isStart = this.#isSwitching !== undefined && "data" in message;
    if (lastId !== undefined && compareIds(id, lastId) < 0) {
      if (!isStart) {
        this.#takeOld(lastId);
        return;
      }
      // Each view leaves out other ids: those of two views are not compared.
      this.receiver.lastId = undefined;
    }
    if (isStart && this.#isSwitching === "answered") this.#isSwitching = undefined;
    if (this.receiver.take(message)) return;
    if (!this.#isDisturbed) this.faults.push(this.journal);
    this.changeView(this.view);
  }
}
