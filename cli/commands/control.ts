import { Command } from "commander";
import { listGateways } from "../../kernel/control/announcements.ts";
import type { ControlMessage } from "../../kernel/control/control-message.ts";
import { publishControl } from "../../kernel/control/publish-control.ts";
import { type Context, UsageError } from "../command/context.ts";
import { addJson, addSystemOptions, type SystemOptions } from "../command/options.ts";
import { type RedisConnection, withRedis } from "../system/redis.ts";
import { findSystem } from "../system/system.ts";
import { confirm } from "./confirm.ts";

interface ControlOptions extends SystemOptions {
  readonly json: boolean;
}

interface KickOptions extends ControlOptions {
  readonly user?: string;
  readonly connection?: string;
}

interface DrainOptions extends ControlOptions {
  readonly yes: boolean;
}

const KICK_EXAMPLES = `
Examples:
  vezta kick --user alice
  vezta kick --connection W1yHyDTVbGkQ0bZhAAAB

The clients may connect again, and do. Whose token is to work no more needs a revocation, not a kick.`;

const DRAIN_EXAMPLES = `
Examples:
  vezta inspect gateways                     the ids
  vezta drain 6f1c0a9d3c0e4f4d8a1b2c3d4e5f6a7b

The gateway moves its clients to the others, spread over RT_DRAIN_SECONDS, and ends; ECS, or npm start, replaces it.`;

async function send(
  context: Context,
  redis: RedisConnection,
  { message, json }: { message: ControlMessage; json: boolean },
) {
  const id = await publishControl(redis, message);
  if (json) context.output.printJson({ id, ...message });
  else context.output.print(`${message.type} sent as ${id}: every gateway acts on it within a second`);
}

async function kick(context: Context, options: KickOptions): Promise<void> {
  const { user: sub, connection, json } = options;
  if ((sub === undefined) === (connection === undefined))
    throw new UsageError("give --user or --connection, one of the two");
  const message: ControlMessage = { type: "kick", ...(sub === undefined ? { connection } : { sub }) };
  const system = await findSystem(context, options);
  await withRedis(system, (redis) => send(context, redis, { message, json }));
}

async function drain(context: Context, gateway: string, options: DrainOptions): Promise<void> {
  const system = await findSystem(context, options);
  await withRedis(system, async (redis) => {
    const gateways = await listGateways(redis);
    const ids = gateways.map(({ id }) => id);
    if (!ids.includes(gateway))
      throw new UsageError(`no gateway ${gateway} runs: there are ${ids.join(", ") || "none"}`);
    const others = gateways.filter(({ id, state }) => id !== gateway && state === "ready");
    const warning =
      others.length === 0 ? " No other gateway is ready: its clients cannot connect until it is replaced." : "";
    if (!options.yes) await confirm(context, `Drain and end ${gateway}?${warning}`);
    await send(context, redis, { message: { type: "drain", gateway }, json: options.json });
  });
}

export const kickCommand = (context: Context): Command =>
  addSystemOptions(addJson(new Command("kick")))
    .summary("close the connections of a user, or one connection")
    .description("Closes connections on whichever gateway they are.")
    .option("--user <sub>", "the user: the sub of the token")
    .option("--connection <id>", "the socket's id")
    .addHelpText("after", KICK_EXAMPLES)
    .action((options: KickOptions) => kick(context, options));

export const drainCommand = (context: Context): Command =>
  addSystemOptions(addJson(new Command("drain")))
    .summary("move one gateway's clients to the others and end it")
    .description("Drains one gateway as a deployment does.")
    .argument("<gateway>", "its id: the ECS task's id")
    .option("--yes", "do it without asking", false)
    .addHelpText("after", DRAIN_EXAMPLES)
    .action((gateway: string, options: DrainOptions) => drain(context, gateway, options));
