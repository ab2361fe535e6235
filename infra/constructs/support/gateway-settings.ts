import { Duration } from "aws-cdk-lib";

/** The port that a gateway task listens on. */
export const GATEWAY_PORT = 8080;

/** The port of a task's `/metrics`. No listener forwards to it, and no security group lets anybody in. */
export const METRICS_PORT = 9464;

/** After this the load balancer closes an idle connection: several of the gateway's pings (every 20 s). */
export const IDLE_TIMEOUT = Duration.seconds(120);

/** The longest that Fargate waits between SIGTERM and SIGKILL. */
export const STOP_TIMEOUT = Duration.seconds(120);

/** Time after which a task knows of its deregistration beside the pause between two polls: an answer, and the last wave. */
const DRAIN_MARGIN_SECONDS = 15;

/** The pauses between a task's polls of its target health, in seconds: as in gateway/target-health.ts, with their jitter. */
const POLL_SECONDS = 3 * 1.25;
const POLL_SECONDS_PER_TARGET = 0.4 * 1.25;

/**
 * Returns how long the load balancer keeps connections to a deregistered task, at most: it ends at once when there are
 * none left. Connections that are still open then are cut, and only after that ECS sends SIGTERM. So it is longer than
 * the drain, which begins when the task reads that its target is draining.
 *
 * @param maxTasks the most tasks of the service; a deployment may have twice as many targets.
 */
export function deregistrationDelay(drainSeconds: number, maxTasks: number): Duration {
  const pollSeconds = Math.max(POLL_SECONDS, 2 * maxTasks * POLL_SECONDS_PER_TARGET);
  return Duration.seconds(Math.ceil(drainSeconds + pollSeconds + DRAIN_MARGIN_SECONDS));
}

/** Handshakes a second of a vCPU that is busy with other things as well; docs/performance.md has what an idle one takes. */
const HANDSHAKES_PER_VCPU = 2_000;

/** Returns the handshakes a second that a task of so many CPU units is to take; it cannot use more than one vCPU. */
export const handshakesPerSecond = (cpu: number): number =>
  Math.round((Math.min(1_024, cpu) / 1_024) * HANDSHAKES_PER_VCPU);

/** The health check of the load balancer, which decides whether a new task has started. */
export const HEALTH_CHECK = {
  // Not /readyz: ECS replaces tasks that fail this check, and a full task, or a fleet that loses Redis, must stay. A task
  // that never became ready fails it too, so that a broken deployment is rolled back.
  path: "/healthz",
  interval: Duration.seconds(15),
  timeout: Duration.seconds(5),
  healthyThresholdCount: 2,
  unhealthyThresholdCount: 3,
};

/** Time for which failed health checks of a new task do not count: /healthz waits for the first answers of Redis. */
export const HEALTH_CHECK_GRACE = Duration.seconds(60);

/** The open files of a task: one per connection, and some of its own. */
export const OPEN_FILES = 65_535;
