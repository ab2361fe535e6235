import { cpus, release } from "node:os";
import { cpuMicros, type Target } from "./target.ts";

/** Above this share of the machine for others the figures are not to be trusted. */
const DISTURBED = 0.15;

/** CPU time used in a period, in µs. */
export interface Usage {
  readonly cores: number;
  readonly micros: number;
  /** Of all cores together. */
  readonly busy: number;
  /** Of this process and of every Redis that it watches. */
  readonly own: number;
}

/** Share of the machine, from 0 to 1, that others had. */
export const foreignShare = ({ cores, micros, busy, own }: Usage): number => Math.max(0, busy - own) / (cores * micros);

/** Says so where others used the machine too much. */
export const verdict = (share: number): string =>
  share > DISTURBED
    ? `**Noisy: others had ${Math.round(share * 100)} % of the machine meanwhile; take the ratios.**`
    : `Others had ${Math.round(share * 100)} % of the machine meanwhile.`;

async function look(targets: readonly Target[]) {
  const redis = (await Promise.all(targets.map(cpuMicros))).flat();
  const { user, system } = process.cpuUsage();
  const cores = cpus();
  return {
    at: performance.now(),
    busy: cores.reduce((total, { times }) => total + times.user + times.nice + times.sys + times.irq, 0) * 1_000,
    own: redis.reduce((total, micros) => total + micros, user + system),
    cores: cores.length,
  };
}

/** Runs a measurement and resolves with its result and with how the machine was used meanwhile. */
export async function watched<T>(targets: readonly Target[], measure: () => Promise<T>) {
  const before = await look(targets);
  const result = await measure();
  const after = await look(targets);
  const usage: Usage = {
    cores: after.cores,
    micros: (after.at - before.at) * 1_000,
    busy: after.busy - before.busy,
    own: after.own - before.own,
  };
  return { result, usage };
}

/** When and on what the figures were measured, and whether others disturbed them. */
export async function describeConditions([target]: readonly Target[], usage: Usage): Promise<string> {
  const version = /redis_version:(\S+)/.exec((await target?.nodes[0]?.info("server")) ?? "")?.[1];
  const machine = `${usage.cores} × ${cpus()[0]?.model.trim()}, ${process.platform} ${release()}`;
  const software = `Node ${process.versions.node}, Redis ${version ?? "?"}, loopback, no TLS`;
  return `${new Date().toISOString().slice(0, 10)}: ${machine}, ${software}. ${verdict(foreignShare(usage))}`;
}
