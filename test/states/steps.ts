import fc from "fast-check";

/** The views of a book that followers begin with, and that one may ask for later. */
export const bookViews = [
  { changes: true },
  { changes: true, maxRate: 50 },
  { changes: true, depth: 5 },
  { depth: 5 },
  {},
] as const;

/** The views of a portfolio. */
export const portfolioViews = [{ changes: true }, {}] as const;

const FOLLOWERS = bookViews.length + portfolioViews.length;

/** Two gateways, and the managed edge. */
export const PLACES = 3;

export const GATEWAYS = 2;

const SDK_CLIENTS = 2;

const LEVELS = 12;
const POSITIONS = 10;

const anyOf = <const Name extends string>(...names: readonly Name[]) => fc.constantFrom(...names);

const size = fc.nat({ max: 9 });
const sizes = fc.array(size, { maxLength: LEVELS });
const outcomeSizes = fc.record({ bids: sizes, asks: sizes });
const follower = fc.nat({ max: FOLLOWERS - 1 });
const place = fc.nat({ max: PLACES - 1 });
const gateway = fc.nat({ max: GATEWAYS - 1 });

/** Sizes by the number of their row. */
const someOf = (rows: number) =>
  fc.dictionary(fc.nat({ max: rows - 1 }).map(String), size, { minKeys: 1, maxKeys: 3, noNullPrototype: true });

const publishing = [
  fc.record({
    do: anyOf("whole book"),
    yes: outcomeSizes,
    no: fc.oneof(outcomeSizes, fc.constant("mirrored" as const)),
  }),
  fc.record({
    do: anyOf("changed book"),
    outcome: fc.constantFrom("yes" as const, "no" as const),
    side: fc.constantFrom("bids" as const, "asks" as const),
    sizes: someOf(LEVELS),
    hasBase: fc.boolean(),
  }),
  fc.record({ do: anyOf("whole portfolio"), sizes: fc.array(size, { maxLength: POSITIONS }) }),
  fc.record({ do: anyOf("changed portfolio"), sizes: someOf(POSITIONS), hasBase: fc.boolean() }),
] as const;

const service = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: anyOf("pub/sub"), gateway, fault: anyOf("lose", "double", "hold", "pass on") }),
  },
  { weight: 1, arbitrary: fc.record({ do: anyOf("check"), gateway }) },
  { weight: 5, arbitrary: fc.record({ do: anyOf("hold the edge", "release the edge") }) },
  { weight: 2, arbitrary: fc.record({ do: anyOf("hint again", "fail a post") }) },
);

const clients = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: anyOf("come back"), follower, forgets: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: anyOf("move"), follower, place }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: anyOf("change the view"), follower, to: fc.nat({ max: bookViews.length - 1 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: anyOf("stop reading"), follower }) },
  { weight: 3, arbitrary: fc.record({ do: anyOf("read on"), follower }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: anyOf("move the SDK", "freeze the SDK", "thaw the SDK"),
      client: fc.nat({ max: SDK_CLIENTS - 1 }),
      gateway,
    }),
  },
);

const waiting = fc.record({
  do: anyOf("wait a turn", "wait for Redis", "wait for the edge", "wait for the followers"),
});

/** One thing that happens. */
export const step = fc.oneof(
  { weight: 10, arbitrary: fc.oneof(...publishing) },
  { weight: 6, arbitrary: service },
  { weight: 6, arbitrary: clients },
  { weight: 4, arbitrary: waiting },
);

export type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Where the followers begin, and what happens then. */
export const scenario = fc.record({
  places: fc.array(place, { minLength: FOLLOWERS, maxLength: FOLLOWERS }),
  steps: fc.array(step, { minLength: 10, maxLength: 60, size: "max" }),
});

export type Scenario = typeof scenario extends fc.Arbitrary<infer S> ? S : never;

const GATEWAYS_ONLY = Array.from({ length: FOLLOWERS }, (_, index) => index % GATEWAYS);
const EDGE = PLACES - 1;

const change = (level: number): Step => ({
  do: "changed book",
  outcome: "yes",
  side: "bids",
  sizes: { [level]: 7 },
  hasBase: false,
});

/** What is rare among generated scenarios, and so is part of every run. */
export const examples: readonly Scenario[] = [
  {
    // Followers of changes that go live on the edge with more than its fan-out has delivered.
    places: GATEWAYS_ONLY,
    steps: [
      { do: "move", follower: 1, place: EDGE },
      { do: "wait for the followers" },
      change(3),
      { do: "wait for the edge" },
      { do: "hold the edge" },
      change(4),
      { do: "move", follower: 0, place: EDGE },
      { do: "wait for the followers" },
      change(5),
      { do: "release the edge" },
    ],
  },
  {
    // A client that does not read while a whole value comes between changes.
    places: GATEWAYS_ONLY,
    steps: [
      { do: "stop reading", follower: 0 },
      { do: "wait for the followers" },
      ...[change(4), change(5)],
      { do: "whole book", yes: { bids: [], asks: [9] }, no: "mirrored" },
      ...[change(6), change(7)],
    ],
  },
  {
    // A message that Pub/Sub loses, followed by one that shows it.
    places: GATEWAYS_ONLY,
    steps: [
      { do: "wait for the followers" },
      { do: "pub/sub", gateway: 0, fault: "lose" },
      change(4),
      { do: "pub/sub", gateway: 0, fault: "pass on" },
      change(5),
    ],
  },
  {
    // A follower of the best levels that comes with an id which the others of its view there have skipped.
    places: GATEWAYS_ONLY,
    steps: [
      { do: "whole book", yes: { bids: [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3], asks: [] }, no: { bids: [], asks: [] } },
      { do: "change the view", follower: 0, to: 2 },
      { do: "wait for the followers" },
      change(11),
      { do: "move", follower: 2, place: 1 },
      { do: "wait for the followers" },
      { do: "move", follower: 2, place: 0 },
      { do: "wait for the followers" },
      change(0),
    ],
  },
];
