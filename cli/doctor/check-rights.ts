import { messageOf } from "../../kernel/as-error.ts";
import { CONTROL_STREAM } from "../../kernel/control/control-keys.ts";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import { primariesOf, type RedisConnection } from "../system/redis.ts";
import { type Finding, ok, skipped, warning } from "./finding.ts";

const STREAM = streamKey({ channel: "monitor:signals", key: undefined });

/** What the commands of this tool need, each with what does not work without it. */
const rights: readonly { readonly for: string; readonly command: readonly string[] }[] = [
  { for: "inspect", command: ["XREVRANGE", STREAM, "+", "-"] },
  { for: "inspect streams", command: ["SCAN", "0"] },
  { for: "inspect rooms", command: ["PUBSUB", "SHARDCHANNELS"] },
  { for: "reset", command: ["DEL", STREAM] },
  { for: "kick, drain", command: ["XADD", CONTROL_STREAM, "*", "m", "", "p", "0-0"] },
];

/** The users of a deployed system and what each must and must not be able to do. */
const users: readonly {
  readonly user: string;
  readonly may: readonly string[][];
  readonly mayNot: readonly string[][];
}[] = [
  {
    user: "publisher",
    may: [
      ["XADD", STREAM, "*", "m", "x"],
      ["EVALSHA", "0", "1", STREAM],
    ],
    mayNot: [["DEL", STREAM], ["XADD", CONTROL_STREAM, "*", "m", "x"], ["FLUSHALL"]],
  },
  {
    user: "gateway",
    may: [
      ["XRANGE", STREAM, "-", "+"],
      ["XRANGE", CONTROL_STREAM, "-", "+"],
    ],
    mayNot: [["DEL", STREAM], ["XADD", CONTROL_STREAM, "*", "m", "x"], ["FLUSHALL"]],
  },
  {
    user: "managed-edge",
    may: [["XRANGE", STREAM, "-", "+"]],
    mayNot: [["XADD", STREAM, "*", "m", "x"], ["FLUSHALL"]],
  },
];

type DryRun = (user: string, command: readonly string[]) => Promise<boolean>;

async function checkOwn(me: string, allows: DryRun): Promise<Finding> {
  const missing: string[] = [];
  for (const { for: purpose, command } of rights)
    if (!(await allows(me, command))) missing.push(`${purpose} (${command[0]})`);
  if (missing.length === 0) return ok("Redis rights", `user ${me} may do all that this tool does`);
  return warning(
    "Redis rights",
    `user ${me} lacks the rights for ${missing.join(", ")}`,
    "use the operator's Redis user",
  );
}

async function checkUser({ user, may, mayNot }: (typeof users)[number], allows: DryRun): Promise<Finding> {
  const wrong: string[] = [];
  for (const command of may)
    if (!(await allows(user, command))) wrong.push(`may not ${command[0]} ${command[1] ?? ""}`.trim());
  for (const command of mayNot)
    if (await allows(user, command)) wrong.push(`may ${command[0]} ${command[1] ?? ""}`.trim());
  if (wrong.length === 0) return ok(`User ${user}`, "has its rights and no more");
  return warning(`User ${user}`, wrong.join(", "), "deploy the cache stack again: it sets the access strings");
}

/** Checks what this user, and the users of a deployed system as far as they are there, may do. Runs none of the commands. */
export async function checkRights(redis: RedisConnection): Promise<readonly Finding[]> {
  const [node] = primariesOf(redis);
  if (!node) return [];
  const me = String(await node.call("ACL", "WHOAMI"));
  const allows: DryRun = async (user, command) => (await node.call("ACL", "DRYRUN", user, ...command)) === "OK";
  let known: readonly string[];
  try {
    known = (await node.call("ACL", "USERS")) as string[];
  } catch (error) {
    return [skipped("Redis rights", `user ${me} may not ask for rights: ${messageOf(error)}`)];
  }
  const found = [await checkOwn(me, allows)];
  for (const each of users) if (known.includes(each.user)) found.push(await checkUser(each, allows));
  return found;
}
