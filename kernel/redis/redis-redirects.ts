import type { Cluster, Redis } from "ioredis";

/**
 * Catches the rejection of `ASKING`, which ioredis sends before a command that a moving slot redirects and does not wait
 * for: with a node that is slow or gone it would be an unhandled rejection, which ends the process. The command uses the
 * same connection and rejects on its own, to its caller.
 */
export function guardRedirects(cluster: Cluster): void {
  cluster.on("+node", (node: Redis) => {
    const asking = node.asking.bind(node);
    node.asking = (...values: Parameters<typeof asking>) => {
      const answer = asking(...values);
      answer.catch(() => undefined);
      return answer;
    };
  });
}
