import * as z from "zod";
import { asError } from "../kernel/as-error.ts";

const POLL_MS = 3_000;

const task = z.object({ DesiredStatus: z.string() });

/**
 * Polls the task metadata and calls `onStopping` once ECS wants the task to stop. That shows here before SIGTERM: ECS
 * first takes the task from the load balancer, which cuts its connections when the deregistration delay ends.
 *
 * @param uri the value of `ECS_CONTAINER_METADATA_URI_V4`.
 */
export function watchTask(uri: string, onStopping: () => void, onError: (error: Error) => void): { stop(): void } {
  const timer = setInterval(async () => {
    try {
      const response = await fetch(`${uri}/task`, { signal: AbortSignal.timeout(POLL_MS) });
      if (task.parse(await response.json()).DesiredStatus !== "STOPPED") return;
      clearInterval(timer);
      onStopping();
    } catch (error) {
      onError(asError(error));
    }
  }, POLL_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
