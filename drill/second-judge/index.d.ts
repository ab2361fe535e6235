/** Types of the plain JavaScript that this folder offers to the drill, which is TypeScript. */

export interface Plan {
  readonly name: string;
  readonly url: string;
  readonly user?: string | undefined;
  readonly token?: string | undefined;
  readonly requests: readonly { readonly channel: string; readonly marketId?: string | readonly string[] }[];
  /** The streams of a subscription, by name. */
  readonly streamsOf: (channel: string, marketId: string | undefined) => readonly string[];
  /** The newest message of a stream that was acknowledged before a time: its number, and when. 0 and 0: none. */
  readonly newestBefore: (stream: string, time: number) => { readonly number: number; readonly offeredAt: number };
}

export interface JournalEvent {
  readonly type: "applied" | "told" | "began" | "falselyLive" | "foreign" | "refused" | "unnamed";
  readonly at: number;
  readonly id?: string;
  readonly number?: number;
  readonly entity?: string;
  readonly version?: number;
  readonly after?: string;
  readonly stream?: string;
  readonly text?: string;
}

/** Messages and notices that one application got, by stream. */
export declare class Journal {
  /** Notes a message that the application was given. */
  applied(
    stream: string,
    message: { readonly channel: string; readonly event?: string; readonly data?: object; readonly id: string },
  ): void;
  readonly strays: readonly JournalEvent[];
  readonly repeats: number;
  of(stream: string): readonly JournalEvent[];
  reset(): void;
}

/** One client of the second judge, of whichever kind. */
export interface SecondClient {
  readonly name: string;
  readonly kind: "stock" | "websocket" | "sdk";
  readonly journal: Journal;
  readonly requests: number;
  /** True if it is connected, and every subscription is answered and live. */
  readonly isSettled: boolean;
  describe(): string;
  /** True if the client has reached an id of a stream, or was notified that it cannot. */
  isAt(stream: string, id: string): boolean;
  stop(): void;
}

export declare class StockClient implements SecondClient {
  constructor(plan: Plan);
  readonly name: string;
  readonly kind: "stock";
  readonly journal: Journal;
  readonly requests: number;
  readonly isSettled: boolean;
  describe(): string;
  isAt(stream: string, id: string): boolean;
  stop(): void;
}

export declare class EdgeClient implements SecondClient {
  constructor(plan: Plan);
  readonly name: string;
  readonly kind: "websocket";
  readonly journal: Journal;
  readonly requests: number;
  readonly isSettled: boolean;
  describe(): string;
  isAt(stream: string, id: string): boolean;
  /** Drops the connection and makes another one. */
  reconnect(): void;
  stop(): void;
}

export declare class SdkClient implements SecondClient {
  constructor(plan: Plan);
  readonly name: string;
  readonly kind: "sdk";
  readonly journal: Journal;
  readonly requests: number;
  readonly isSettled: boolean;
  describe(): string;
  isAt(stream: string, id: string): boolean;
  /** Subscribes, as a component that is mounted. */
  mount(channel: string, marketId?: string): void;
  /** Closes subscriptions, as components that leave. */
  unmount(isLeaving: (subscription: { readonly channel: string; readonly marketId?: string }) => boolean): void;
  stop(): void;
}

export type ViolationKind =
  | ("doubled" | "disorder" | "olderValue" | "olderState" | "finalState" | "finalValue" | "hole" | "silent")
  | ("untold" | "falselyLive" | "notBack" | "foreign" | "refused" | "unnamed" | "ghost" | "unacknowledged");

/** One broken promise: whose, where, which message. */
export interface Violation {
  readonly kind: ViolationKind;
  readonly client: string;
  readonly clientKind: string;
  readonly stream: string;
  readonly message: string;
  readonly text: string;
}

/** Messages and events that one client saw of one stream in a round. */
export interface History {
  readonly client: string;
  readonly kind: string;
  readonly stream: string;
  readonly events: readonly JournalEvent[];
  /** True if the client was not subscribed and live when everything else rested; `state` says what it was. */
  readonly isLost?: boolean;
  readonly state?: string;
  /** Of the client as a whole; with one of its histories alone. */
  readonly strays?: readonly JournalEvent[];
}

/** Messages published to a stream in a round, and those of them that Redis holds. */
export interface StreamRecord {
  readonly isLatest: boolean;
  /** The first number of the round. A new client may be given older messages, which this is no record of. */
  readonly from: number;
  /** True if Redis may have lost acknowledged values: a `latest` stream may then go back to an older one. */
  readonly mayHaveLost?: boolean;
  /** Oldest first; of a `latest` stream the newest alone. `offeredAt`: when it was first published, in ms since 1970. */
  readonly entries: readonly { readonly id: string; readonly number: number; readonly offeredAt?: number }[];
  /** The newest state of each entity that was acknowledged and that Redis has not lost. */
  readonly states: readonly { readonly entity: string; readonly version: number; readonly number: number }[];
}

/** Finds every broken promise. */
export declare function judge(evidence: {
  readonly histories: readonly History[];
  readonly records: ReadonlyMap<string, StreamRecord>;
}): Violation[];

/** A violation in words. */
export declare function describe(violation: Violation): string;

/** The name under which the second judge files a stream. */
export declare function streamNameOf(channel: string, key: string | undefined): string;

/** The entity that a message states as a whole, and how new that state is; undefined where messages are events. */
export declare function stateOf(
  channel: string,
  data: object,
): { readonly entity: string; readonly version: number } | undefined;

/** The streams that a plan's requests cover. */
export declare function streamsOf(plan: Pick<Plan, "requests" | "user">, markets: readonly string[]): readonly string[];

/** Time that a subscription may say `live` without what was published, in ms. */
export declare const LIVE_BOUND_MS: number;

/** One stream's position and the rules on it; for tests. */
export declare class StreamFollower {
  constructor(options: { readonly isLatest: boolean; readonly position: string });
  readonly position: string;
  take(message: { readonly id: string; readonly prev: string }): "show" | "drop" | "missing" | "reset";
  answer(answer: { readonly id: string; readonly isLost: boolean }): void;
  hear(id: string, now: number): "wait" | "reset";
  isBehind(now: number): boolean;
}
