import type { Cluster, Redis } from "ioredis";
import { publishScript } from "./publish-script.ts";
import { broadcastWholeScript, publishStateScript } from "./publish-state-script.ts";

type ScriptCommand = (numberOfKeys: number, ...keysAndArguments: (string | number)[]) => Promise<string[]>;

/** The publish scripts as commands of a connection. */
export interface Scripts {
  readonly redis: Redis | Cluster;
  readonly publishMessages: ScriptCommand;
  readonly publishState: ScriptCommand;
  readonly broadcastWhole: ScriptCommand;
}

/** Adds the commands to a connection. */
export function defineScripts(redis: Redis | Cluster): Scripts {
  redis.defineCommand("publishMessages", { lua: publishScript });
  redis.defineCommand("publishState", { lua: publishStateScript });
  redis.defineCommand("broadcastWhole", { lua: broadcastWholeScript });
  const commands = redis as unknown as Omit<Scripts, "redis">;
  return {
    redis,
    publishMessages: (...values) => commands.publishMessages(...values),
    publishState: (...values) => commands.publishState(...values),
    broadcastWhole: (...values) => commands.broadcastWhole(...values),
  };
}
