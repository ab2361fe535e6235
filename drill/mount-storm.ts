import { setTimeout as delay } from "node:timers/promises";
import { markets } from "./messages.ts";
import { type Outage, timed } from "./outage.ts";
import { ask } from "./redis-node.ts";
import { SdkClient, type Violation } from "./second-judge/index.js";
import { until } from "./until.ts";
import type { World } from "./world.ts";

const TURNS = 6;

/** Times that the pages of a storm stay, in ms, in turn: the SDK keeps what nobody holds for a second. */
const STAY_MS = [0, 250, 1_300] as const;

/** After it the service must have what the application wants, and nothing else; in ms. */
const REST_MS = 5_000;
const GHOST_TIMEOUT_MS = 60_000;
const SETTLE_TIMEOUT_MS = 90_000;

/** Topics of a page: 300 on the gateway; fewer on the managed edge, whose database is on this machine. */
const PASSING_MARKETS = { gateway: 80, managed: 10 };

/** Named so that nobody else has anything to do with them. */
const PASSING = "passing-";

interface StormOptions {
  readonly wished: readonly string[];
  readonly channels: readonly string[];
}

/** Each page of the storm has other markets. */
const passingMarkets = (edge: "gateway" | "managed", turn: number): string[] =>
  Array.from({ length: PASSING_MARKETS[edge] }, (_, index) => `${PASSING}${edge}-${turn}-${index}`);

async function blow(
  client: SdkClient,
  edge: "gateway" | "managed",
  { wished, channels }: StormOptions,
): Promise<number> {
  const own = edge === "gateway" ? markets : wished;
  let mounts = 0;
  // One holder of a topic at a time: with two, each message is rightly given twice.
  client.unmount(() => true);
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const market of [...passingMarkets(edge, turn), ...own]) {
      for (const channel of channels) client.mount(channel, market);
      mounts += channels.length;
    }
    await delay(STAY_MS[turn % STAY_MS.length]);
    client.unmount(() => true);
    await delay(STAY_MS[(turn + turn) % STAY_MS.length]);
  }
  for (const market of wished) for (const channel of channels) client.mount(channel, market);
  return mounts;
}

/** Topics that nobody wants any more and that the gateways still follow, by the names of their rooms in Redis. */
async function ghostsInRedis({ redis }: World): Promise<string[]> {
  const names = await Promise.all(
    redis.alive.map((node) => ask(node, (connection) => connection.call("PUBSUB", "SHARDCHANNELS", `*${PASSING}*`))),
  );
  return [...new Set(names.flatMap((each) => (Array.isArray(each) ? each.map(String) : [])))];
}

const ghost = (client: string, stream: string, text: string): Violation => ({
  ...{ kind: "ghost", client, clientKind: "sdk", stream, message: "a subscription", text },
});

async function findGhosts(world: World): Promise<readonly Violation[]> {
  try {
    await until("no ghosts", GHOST_TIMEOUT_MS, async () => (await ghostsInRedis(world)).length === 0);
    return [];
  } catch {
    const ghosts = await ghostsInRedis(world);
    return ghosts.map((name) => ghost("sdk storm", name, "is left that nobody wants"));
  }
}

/** Markets that the managed edge would still post: it is asked for nothing but what is wished. */
async function findPosted({ edge, publishPrice }: World): Promise<readonly Violation[]> {
  const posted: string[] = [];
  edge.onPosted = (body) => {
    if (body.includes(PASSING)) posted.push(body);
  };
  const names = Array.from({ length: TURNS }, (_, turn) => passingMarkets("managed", turn)).flat();
  await Promise.all(names.map((name) => publishPrice(name)));
  await delay(REST_MS / 2);
  edge.onPosted = () => undefined;
  return posted.map((body) => ghost("sdk edge storm", body.slice(0, 80), "is posted though nobody wants it"));
}

/** Applications that mount and unmount pages faster than requests are answered, on both edges. */
export async function storm(world: World, options: StormOptions): Promise<Outage> {
  const { second } = world;
  const requests = options.channels.map((channel) => ({ channel, marketId: options.wished }));
  const clients = [
    await second.add({ name: "sdk storm", kind: "sdk", edge: "gateway", requests }),
    await second.add({ name: "sdk edge storm", kind: "sdk", edge: "managed", requests }),
  ];
  // A storm may begin before everything is live: what it must leave behind is the same.
  const isLive = (): boolean => clients.every(({ isSettled }) => isSettled);
  await until("the storm's clients live", SETTLE_TIMEOUT_MS, isLive).catch(() => undefined);
  let mounts = 0;
  const outage = await timed(async () => {
    const [gateway, managed] = clients;
    if (!(gateway instanceof SdkClient && managed instanceof SdkClient)) throw new Error("a storm takes SDK clients");
    const counts = await Promise.all([blow(gateway, "gateway", options), blow(managed, "managed", options)]);
    mounts = counts.reduce((sum, count) => sum + count, 0);
    await delay(REST_MS);
  });
  return {
    ...outage,
    did: { "subscriptions opened and closed": mounts },
    inspect: async () => [...(await findGhosts(world)), ...(await findPosted(world))],
    cleanUp() {
      for (const client of clients) second.remove(client);
    },
  };
}
