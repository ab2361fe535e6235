import { Duration } from "aws-cdk-lib";

/** The port that a gateway task listens on. */
export const GATEWAY_PORT = 8080;

/** The port of a task's `/metrics`. No listener forwards to it, and no security group lets anybody in. */
export const METRICS_PORT = 9464;

/** After this the load balancer closes an idle connection: several of the gateway's pings (every 20 s). */
export const IDLE_TIMEOUT = Duration.seconds(120);

/** The longest that Fargate waits between SIGTERM and SIGKILL. */
export const STOP_TIMEOUT = Duration.seconds(120);

/**
 * Returns how long the load balancer keeps connections to a deregistered task. Longer than the drain, which begins with
 * the deregistration (the task reads it from its metadata, every few seconds): connections that are still open are cut.
 */
export const deregistrationDelay = (drainSeconds: number): Duration => Duration.seconds(drainSeconds + 15);

/** The open files of a task: one per connection, and some of its own. */
export const OPEN_FILES = 65_535;
