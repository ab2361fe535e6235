import { execFile } from "node:child_process";
import { cpus, release } from "node:os";
import { promisify } from "node:util";
import { findRedisServer } from "../../local/redis-server.ts";
import { nodeFlags } from "./server-process.ts";

const run = promisify(execFile);

/** Describes, in one sentence, the machine and software that the figures were measured on. */
export async function describeMachine(): Promise<string> {
  const redis = await findRedisServer();
  const { stdout } = await run(redis.path, ["--version"], { env: { PATH: "", ...redis.env } });
  const version = /v=(\S+)/.exec(stdout)?.[1] ?? "?";
  const cores = cpus();
  return (
    `${cores.length} × ${cores[0]?.model.trim()}, Linux ${release()}, Node ${process.versions.node} ` +
    `(\`${nodeFlags[0]}\`, \`NODE_ENV=production\`), Redis ${version}, loopback, no TLS`
  );
}
