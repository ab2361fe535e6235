/** Time from the start of a task to its first connection, in seconds: image, process, two health checks of 15 s. */
const START_SECONDS = 90;

interface Task {
  readonly zone: number;
  readonly readyAt: number;
  connections: number;
}

/** Options of a {@link Fleet}. */
export interface FleetOptions {
  readonly zones: number;
  readonly maxConnections: number;
  /** The tasks that run at the start, ready. */
  readonly tasks: number;
}

/** The gateway's tasks behind a balancer that gives a new connection to the task with the fewest. */
export class Fleet {
  readonly #maxConnections: number;
  readonly #zones: Set<number>;
  #tasks: Task[] = [];

  constructor({ zones, maxConnections, tasks }: FleetOptions) {
    this.#maxConnections = maxConnections;
    this.#zones = new Set(Array.from({ length: zones }, (_, zone) => zone));
    for (let index = 0; index < tasks; index += 1) this.#start(Number.NEGATIVE_INFINITY);
  }

  /** The tasks that run, ready or not. */
  get size(): number {
    return this.#tasks.length;
  }

  get connections(): number {
    return this.#tasks.reduce((sum, { connections }) => sum + connections, 0);
  }

  ready(second: number): number {
    return this.#ready(second).length;
  }

  /** Starts or stops tasks. Returns the connections of the stopped ones, which have to move. */
  resize(desired: number, second: number): number {
    while (this.#tasks.length < desired) this.#start(second);
    let moved = 0;
    while (this.#tasks.length > desired) moved += this.#stop();
    return moved;
  }

  /** Gives connections to the tasks with the fewest. Returns those that no task has a place for. */
  connect(count: number, second: number): number {
    const ready = this.#ready(second);
    let left = count;
    while (left > 0) {
      ready.sort((a, b) => a.connections - b.connections);
      const [first, next] = ready;
      if (!first || first.connections >= this.#maxConnections) return left;
      const level = Math.max(next?.connections ?? 0, first.connections + Math.ceil(left / ready.length));
      const taken = Math.min(left, Math.min(level, this.#maxConnections) - first.connections);
      first.connections += taken;
      left -= taken;
    }
    return 0;
  }

  /** Closes connections, of every task the same share. */
  close(count: number): void {
    const share = Math.min(1, count / Math.max(1, this.connections));
    for (const task of this.#tasks) task.connections -= Math.round(task.connections * share);
  }

  /** Ends a zone and its tasks for good. Returns their connections. */
  loseZone(zone: number): number {
    this.#zones.delete(zone);
    const cut = this.#tasks.filter((task) => task.zone === zone);
    this.#tasks = this.#tasks.filter((task) => task.zone !== zone);
    return cut.reduce((sum, { connections }) => sum + connections, 0);
  }

  #ready(second: number): Task[] {
    return this.#tasks.filter(({ readyAt }) => readyAt <= second);
  }

  /** ECS keeps zones level: a task starts where the fewest are, and stops where the most are. */
  #start(second: number): void {
    const zone = [...this.#zones].reduce((best, each) => (this.#count(each) < this.#count(best) ? each : best));
    this.#tasks.push({ zone, readyAt: second + START_SECONDS, connections: 0 });
  }

  #stop(): number {
    const zone = [...this.#zones].reduce((best, each) => (this.#count(each) > this.#count(best) ? each : best));
    const index = this.#tasks.findIndex((task) => task.zone === zone);
    const [task] = this.#tasks.splice(index, 1);
    return task?.connections ?? 0;
  }

  #count(zone: number): number {
    return this.#tasks.filter((task) => task.zone === zone).length;
  }
}
