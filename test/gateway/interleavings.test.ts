import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FIRST_ID } from "../../contract/ids.ts";
import { DrillClient } from "../../drill/drill-client.ts";
import { judge } from "../../drill/judge.ts";
import { createMessage, type DrillStream, named } from "../../drill/messages.ts";
import { Truth } from "../../drill/truth.ts";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { createPublisher, type Publisher } from "../../kernel/streams/publisher.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

/** A user that may write entries and may not publish them: gateways receive no message of what it writes. */
const MUTE = "mute";

const publishers: Publisher[] = [];
const ends: (() => void)[] = [];
let platform: Platform;
let mute: Publisher;

function openPublisher(user?: string): Publisher {
  const login = user === undefined ? {} : { RT_REDIS_USERNAME: user, RT_REDIS_PASSWORD: user };
  const config = parseEnvironment(redisEnvironment, { RT_REDIS_URL: platform.redis.url, ...login });
  const connection = connectPublisher(config, () => undefined);
  ends.push(() => connection.disconnect());
  return createPublisher(connection);
}

beforeAll(async () => {
  platform = await startPlatform();
  await platform.commands.call("ACL", "SETUSER", MUTE, "on", `>${MUTE}`, "~*", "&*", "+@all", "-spublish");
  mute = openPublisher(MUTE);
  publishers.push(...Array.from({ length: 3 }, () => openPublisher()));
});
afterAll(async () => {
  for (const end of ends) end();
  await platform.stop();
});

type Step =
  | { readonly do: "publish" | "write unheard"; readonly stream: number; readonly count: number }
  | { readonly do: "leave" | "come back"; readonly client: number }
  | { readonly do: "cut subscriptions" };

/** A step, and the ms until the next one: publishing, dropping and resuming go on side by side. */
type TimedStep = readonly [Step, number];

const small = fc.nat({ max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("publish" as const), stream: small, count: fc.nat({ max: 20 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("write unheard" as const), stream: small, count: small }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("leave" as const), client: small }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("come back" as const), client: small }) },
  { weight: 1, arbitrary: fc.constant({ do: "cut subscriptions" as const }) },
);
const scenario = fc.array(fc.tuple(step, fc.oneof(fc.constant(0), fc.nat({ max: 25 }))), {
  minLength: 5,
  maxLength: 40,
});

/** Writes numbered messages to a stream, one call after the other. */
class Line {
  readonly stream: DrillStream;
  #number = 0;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(stream: DrillStream) {
    this.stream = stream;
  }

  get done(): Promise<unknown> {
    return this.#tail;
  }

  add(count: number, isHeard: boolean): void {
    const messages = Array.from({ length: count }, () => {
      this.#number += 1;
      return createMessage(this.stream, this.#number);
    });
    const publisher = publishers[this.#number % publishers.length] ?? mute;
    this.#tail = this.#tail.then(async () => {
      if (isHeard) await publisher.publish(messages);
      // One by one: the first refusal ends a call, and the entry is written by then.
      else for (const each of messages) await mute.publish([each]).catch(() => undefined);
    });
  }
}

let runs = 0;

/** Streams of their own for every run. */
function openLines(): Line[] {
  runs += 1;
  const [user, market] = [`user-${runs}`, `market-${runs}`];
  const private_ = (["user:orders", "user:portfolio"] as const).map((channel) => named({ channel, key: user }));
  const public_ = (["market:trades", "market:prices"] as const).map((channel) => named({ channel, key: market }));
  return [...private_, ...public_].map((stream) => new Line(stream));
}

interface Member {
  readonly client: DrillClient;
  readonly streams: readonly DrillStream[];
}

/** Two devices of a user (one also on a market's page), the page alone, and a dashboard of all markets. */
async function openMembers(streams: readonly DrillStream[]): Promise<Member[]> {
  const [privateStreams, publicStreams] = [streams.slice(0, 2), streams.slice(2)];
  const user = privateStreams[0]?.key ?? "";
  const token = await platform.issuer.sign({ sub: user });
  const own = privateStreams.map(({ channel }) => ({ channel }));
  const page = publicStreams.map(({ channel, key }) => ({ channel, marketId: key ?? "" }));
  const whole = publicStreams.map(({ channel }) => ({ channel }));
  const plans = [
    { requests: own, streams: privateStreams },
    { requests: [...own, ...page], streams },
    { requests: page, streams: publicStreams },
    { requests: whole, streams: publicStreams },
  ];
  return plans.map(({ requests, streams: followed }, index) => ({
    client: new DrillClient({
      ...{ name: `client ${index}`, url: platform.gateways[index % 2]?.url ?? "" },
      ...{ user, token, requests },
    }),
    streams: followed,
  }));
}

async function play(steps: readonly TimedStep[], lines: readonly Line[], members: readonly Member[]): Promise<void> {
  for (const [action, pause] of steps) {
    if (action.do === "publish") lines[action.stream]?.add(action.count + 1, true);
    else if (action.do === "write unheard") lines[action.stream]?.add(action.count + 1, false);
    else if (action.do === "leave") members[action.client]?.client.leave();
    else if (action.do === "come back") members[action.client]?.client.comeBack();
    else await platform.commands.call("CLIENT", "KILL", "TYPE", "PUBSUB");
    if (pause > 0) await delay(pause);
  }
  for (const { client } of members) client.comeBack();
  await Promise.all(lines.map(({ done }) => done));
}

async function everyClientSeesEverything(steps: readonly TimedStep[]): Promise<void> {
  const lines = openLines();
  const streams = lines.map(({ stream }) => stream);
  const members = await openMembers(streams);
  try {
    await expect.poll(() => members.every(({ client }) => client.isSettled)).toBe(true);

    await play(steps, lines, members);

    const truths = await new Truth(platform.commands, streams).read();
    const behind = () =>
      members.flatMap(({ client, streams: followed }) =>
        followed
          .filter(({ name }) => (client.positions().get(name) ?? FIRST_ID) !== truths.get(name)?.top)
          .map(({ name }) => `${client.name}, ${name}`),
      );
    await expect.poll(behind).toEqual([]);
    const witnesses = members.map(({ client, streams: followed }) => ({
      ...{ name: client.name, streams: followed, journal: client.journal, positions: client.positions() },
    }));
    expect(judge(witnesses, truths)).toEqual({ undetected: 0, duplicates: 0, outOfOrder: 0, lost: 0, problems: [] });
    // Redis lost nothing, so no client may report a gap.
    expect(members.flatMap(({ client: { journal } }) => [...journal.reports, ...journal.refusals])).toEqual([]);
  } finally {
    for (const { client } of members) client.leave();
  }
}

describe("any interleaving", () => {
  it("of publishing, lost messages, disconnects and resumes delivers every message once and in order to every client", {
    timeout: 600_000,
  }, async () => {
    await fc.assert(fc.asyncProperty(scenario, everyClientSeesEverything), { numRuns: 30, endOnFailure: true });
  });

  it("of publishers that send versions of a value delivers no older version after a newer one", async () => {
    const stream = named({ channel: "market:prices", key: "versions" });
    const client = await platform.connect();
    await client.ask("subscribe", { channel: "market:prices", marketId: "versions" });
    let base = 0;
    const seen = () => client.of("market:prices").map(({ event }) => Number(event?.slice(1)));
    const versions = fc.shuffledSubarray(
      Array.from({ length: 40 }, (_, index) => index + 1),
      { minLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(versions, versions, async (...orders) => {
        const [first, newest] = [base, base + Math.max(...orders.flat())];
        base = newest;
        const sending = orders.flatMap((order) =>
          order.map((version, index) => {
            const publisher = publishers[index % publishers.length] ?? mute;
            return publisher.publish([createMessage(stream, first + version)]);
          }),
        );
        await Promise.all(sending);
        await expect.poll(() => seen().at(-1)).toBe(newest);
      }),
      { numRuns: 10, endOnFailure: true },
    );
    expect(seen()).toEqual([...new Set(seen())].toSorted((a, b) => a - b));
  });
});
