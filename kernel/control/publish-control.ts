import type { Cluster, Redis } from "ioredis";
import { CONTROL_STREAM } from "./control-keys.ts";
import { type ControlMessage, controlMessage } from "./control-message.ts";

/** Messages that the stream keeps: far more than operators write in the time for which a gateway can be cut off. */
const HISTORY = 10_000;

const SCRIPT = `
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
return redis.call('XADD', KEYS[1], 'MAXLEN', '~', ${HISTORY}, '*', 'm', ARGV[1], 'p', last and last[1] or '0-0')
`;

/**
 * Appends a message to the control stream. Resolves with its id; each gateway that runs acts on it within a second.
 *
 * @throws ZodError where the message is not valid; Redis's error, such as NOPERM for a user that is no operator.
 */
export async function publishControl(redis: Redis | Cluster, message: ControlMessage): Promise<string> {
  const text = JSON.stringify(controlMessage.parse(message));
  return String(await redis.eval(SCRIPT, 1, CONTROL_STREAM, text));
}
