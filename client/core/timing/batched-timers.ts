import { boundedDelay } from "./bounded-delay.ts";

/** How close in time tasks are that run together, in ms. */
const SLOT_MS = 250;

/** Runs what is due at about the same time together, so that it makes one request and not many. */
export class Slots<T> {
  readonly #run: (items: readonly T[]) => void;
  readonly #slots = new Map<number, { readonly items: Set<T>; readonly timer: ReturnType<typeof setTimeout> }>();
  readonly #slotOf = new Map<T, number>();

  constructor(run: (items: readonly T[]) => void) {
    this.#run = run;
  }

  /** Runs an item once the delay is over; an earlier plan for it is void. */
  schedule(item: T, delayMs: number): void {
    this.cancel(item);
    const number = Math.ceil((Date.now() + delayMs) / SLOT_MS);
    const slot = this.#slots.get(number) ?? this.#open(number);
    slot.items.add(item);
    this.#slotOf.set(item, number);
  }

  cancel(item: T): void {
    const number = this.#slotOf.get(item);
    if (number === undefined) return;
    this.#slotOf.delete(item);
    this.#slots.get(number)?.items.delete(item);
  }

  stop(): void {
    for (const { timer } of this.#slots.values()) clearTimeout(timer);
    this.#slots.clear();
    this.#slotOf.clear();
  }

  #open(number: number) {
    const delay = Math.max(0, number * SLOT_MS - Date.now());
    const slot = { items: new Set<T>(), timer: setTimeout(() => this.#fire(number), boundedDelay(delay)) };
    this.#slots.set(number, slot);
    return slot;
  }

  #fire(number: number): void {
    const items = [...(this.#slots.get(number)?.items ?? [])];
    this.#slots.delete(number);
    for (const item of items) this.#slotOf.delete(item);
    if (items.length > 0) this.#run(items);
  }
}
