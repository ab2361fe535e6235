import type { EventSource } from "./simulator/event-source.ts";
import type { OrderRequest, Simulation } from "./simulator/simulation.ts";

/** When the two halves of an order are executed, in milliseconds after it was placed. */
const FILL_DELAYS_MS = [600, 1_400];

interface OrderDeskOptions {
  readonly simulation: Simulation;
  readonly source: EventSource;
  readonly onError: (error: unknown) => void;
}

/** Takes orders by hand. All that happens to them goes over the bus, as everything else does. */
export class OrderDesk {
  readonly #options: OrderDeskOptions;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(options: OrderDeskOptions) {
    this.#options = options;
  }

  /** Resolves with the order's id once the bus has it; its fills follow. Undefined: no such user or market. */
  async place(request: OrderRequest): Promise<string | undefined> {
    const { simulation, source, onError } = this.#options;
    const order = simulation.placeOrder(request, Date.now());
    if (!order) return undefined;
    await source.put(order.events);
    for (const delay of FILL_DELAYS_MS) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        source.put(order.fillNext(Date.now())).catch(onError);
      }, delay);
      this.#timers.add(timer);
    }
    return order.id;
  }

  /** Executes nothing more. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
