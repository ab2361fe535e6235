import { Command } from "commander";
import { type Channel, channelDefinition, channelNames } from "../../contract/channels.ts";
import { timeOf } from "../../contract/ids.ts";
import { listGateways } from "../../kernel/control/announcements.ts";
import { inspectStream, type StreamInspection } from "../../kernel/operations/stream-operations.ts";
import { entriesRoom } from "../../kernel/streams/redis-keys.ts";
import { createStreamReader } from "../../kernel/streams/stream-reader.ts";
import type { Context } from "../command/context.ts";
import { addJson, addSystemOptions, channel, type SystemOptions, streamOf, wholeNumber } from "../command/options.ts";
import { table } from "../command/output.ts";
import { type RedisConnection, withRedis } from "../system/redis.ts";
import { findRooms, findStreams } from "../system/streams.ts";
import { findSystem } from "../system/system.ts";
import { describeInspection } from "./describe-inspection.ts";

interface InspectOptions extends SystemOptions {
  readonly json: boolean;
}

interface StreamsOptions extends InspectOptions {
  readonly limit: number;
}

interface StreamOptions extends InspectOptions {
  readonly key?: string;
  readonly entries?: number;
}

const EXAMPLES = `
Examples:
  vezta inspect                                   gateways, rooms and streams
  vezta inspect streams market:trades             ids and ages
  vezta inspect stream user:orders --key alice --entries 5
  vezta inspect user alice --json`;

const seconds = (milliseconds: number): string => `${(milliseconds / 1_000).toFixed(1)} s`;

const orNone = (rows: readonly (readonly string[])[]): string => (rows.length > 1 ? table(rows) : "none");

/** Runs a question to Redis and prints its answer: as JSON, or as text. */
async function answer<T>(
  context: Context,
  options: InspectOptions,
  { ask, describe }: { ask: (redis: RedisConnection) => Promise<T>; describe: (found: T) => string },
): Promise<void> {
  const system = await findSystem(context, options);
  const found = await withRedis(system, ask);
  if (options.json) context.output.printJson(found);
  else context.output.print(describe(found));
}

type Gateways = Awaited<ReturnType<typeof listGateways>>;
type Rooms = Awaited<ReturnType<typeof findRooms>>;

const describeGateways = (gateways: Gateways): string =>
  orNone([
    ["GATEWAY", "STATE", "CONNECTIONS", "ROOMS", "UP"],
    ...gateways.map(({ id, state, connections, rooms, startedAt }) => [
      ...[id, state, String(connections), String(rooms)],
      seconds(Date.now() - startedAt),
    ]),
  ]);

const describeRooms = (rooms: Rooms): string =>
  orNone([["ROOM", "GATEWAYS"], ...rooms.map(({ room, gateways }) => [room, String(gateways)])]);

const describeStreams = (streams: readonly StreamInspection[]): string =>
  orNone([
    ["CHANNEL", "KEY", "ENTRIES", "NEWEST ID", "AGE", "NOTE"],
    ...streams.map(({ stream, entries, newestId = "none", aheadMs = 0, isUnusable, stale }) => [
      ...[stream.channel, stream.key ?? "", String(entries), newestId, seconds(-aheadMs)],
      isUnusable ? "newest id is too far ahead" : stale.some(({ isFrozen }) => isFrozen) ? "frozen" : "",
    ]),
  ]);

async function inspectStreams(redis: RedisConnection, name: Channel | undefined, limit: number) {
  const streams = await findStreams(redis, name, limit);
  return Promise.all(streams.map((stream) => inspectStream(redis, stream)));
}

async function inspectAll(redis: RedisConnection) {
  const [gateways, rooms, streams] = await Promise.all([
    listGateways(redis),
    findRooms(redis),
    inspectStreams(redis, undefined, 1_000),
  ]);
  const channels = channelNames.map((name) => {
    const own = streams.filter(({ stream }) => stream.channel === name);
    const newest = Math.max(...own.flatMap(({ newestId }) => (newestId === undefined ? [] : timeOf(newestId))));
    const entries = own.reduce((sum, each) => sum + each.entries, 0);
    return { channel: name, streams: own.length, entries, ...(Number.isFinite(newest) ? { newest } : {}) };
  });
  return { gateways, rooms: rooms.length, channels };
}

const describeAll = ({ gateways, rooms, channels }: Awaited<ReturnType<typeof inspectAll>>): string =>
  [
    describeGateways(gateways),
    `${rooms} rooms have subscribers`,
    table([
      ["CHANNEL", "STREAMS", "ENTRIES", "NEWEST"],
      ...channels.map(({ channel: name, streams, entries, newest }) => [
        ...[name, String(streams), String(entries)],
        newest === undefined ? "none" : new Date(newest).toISOString(),
      ]),
    ]),
  ].join("\n\n");

async function inspectOne(redis: RedisConnection, name: Channel, { key, entries: count = 0 }: StreamOptions) {
  const stream = streamOf(name, key);
  const inspection = await inspectStream(redis, stream);
  if (count === 0) return { ...inspection, newest: [] };
  return { ...inspection, newest: await createStreamReader(redis).newest(stream, count) };
}

async function inspectUser(redis: RedisConnection, sub: string) {
  const channels = channelNames.filter((name) => channelDefinition(name).key === "user");
  const [rooms, streams] = await Promise.all([
    findRooms(redis),
    Promise.all(channels.map((name) => inspectStream(redis, { channel: name, key: sub }))),
  ]);
  return streams.map((inspection) => {
    const room = entriesRoom(inspection.stream);
    return { ...inspection, gateways: rooms.find((each) => each.room === room)?.gateways ?? 0 };
  });
}

const describeUser = (streams: Awaited<ReturnType<typeof inspectUser>>): string =>
  table([
    ["CHANNEL", "SUBSCRIBED ON", "ENTRIES", "NEWEST ID"],
    ...streams.map(({ stream, gateways, entries, newestId = "none" }) => [
      ...[stream.channel, gateways === 1 ? "1 gateway" : `${gateways} gateways`, String(entries), newestId],
    ]),
  ]);

const sub = (name: string, summary: string): Command =>
  addSystemOptions(addJson(new Command(name))).description(summary);

export function inspectCommand(context: Context): Command {
  const command = new Command("inspect")
    .summary("show gateways, rooms, streams and users")
    .description("Shows what Redis knows of the system. Without a subject: an overview.")
    .addHelpText("after", EXAMPLES);
  command.addCommand(
    sub("all", "gateways, rooms and channels").action((options: InspectOptions) =>
      answer(context, options, { ask: inspectAll, describe: describeAll }),
    ),
    { isDefault: true },
  );
  command.addCommand(
    sub("gateways", "the gateways that run").action((options: InspectOptions) =>
      answer(context, options, { ask: listGateways, describe: describeGateways }),
    ),
  );
  command.addCommand(
    sub("rooms", "the rooms that gateways are subscribed to").action((options: InspectOptions) =>
      answer(context, options, { ask: findRooms, describe: describeRooms }),
    ),
  );
  command.addCommand(
    sub("streams", "streams with their newest ids and ages")
      .argument("[channel]", "one channel", channel)
      .option("--limit <streams>", "most streams", wholeNumber(1, 100_000), 200)
      .action((name: Channel | undefined, options: StreamsOptions) =>
        answer(context, options, {
          ask: (redis) => inspectStreams(redis, name, options.limit),
          describe: describeStreams,
        }),
      ),
  );
  command.addCommand(
    sub("stream", "one stream: its newest id against Redis's clock, versions, runs of stale states, entries")
      .argument("<channel>", "the channel", channel)
      .option("--key <key>", "the market, or the user of a private channel")
      .option("--entries <count>", "print the newest entries, too", wholeNumber(1, 10_000))
      .action((name: Channel, options: StreamOptions) =>
        answer(context, options, {
          ask: (redis) => inspectOne(redis, name, options),
          describe: ({ newest, ...inspection }) =>
            [describeInspection(inspection), ...newest.map((entry) => JSON.stringify(entry))].join("\n"),
        }),
      ),
  );
  command.addCommand(
    sub("user", "a user's streams, and on how many gateways the user's connections subscribe to them")
      .argument("<sub>", "the user: the sub of the token")
      .action((user: string, options: InspectOptions) =>
        answer(context, options, { ask: (redis) => inspectUser(redis, user), describe: describeUser }),
      ),
  );
  return command;
}
