import { Duration } from "aws-cdk-lib";

/** The port on which a gateway task listens. */
export const GATEWAY_PORT = 8080;

/** Longest that the load balancer keeps a silent connection: several of the gateway's pings (every 20 s). */
export const IDLE_TIMEOUT = Duration.seconds(120);

/** Longest that Fargate waits between SIGTERM and SIGKILL. */
export const STOP_TIMEOUT = Duration.seconds(120);

/**
 * How long the load balancer leaves connections to a task that goes. Longer than the drain, which begins with the
 * deregistration (the task learns of it from its metadata, every few seconds): what is still open then is cut.
 */
export const deregistrationDelay = (drainSeconds: number): Duration => Duration.seconds(drainSeconds + 15);

/** Open files of a task: one per connection, and some for itself. */
export const OPEN_FILES = 65_535;
