import { parseEnvironment } from "../../kernel/env.ts";
import { openTracer, tracingEnvironment } from "../../kernel/tracing/open-tracer.ts";
import { preparePublish, publish } from "../../publisher/publish.ts";

// While Lambda starts the function, so that the first event does not wait for the Redis password.
await preparePublish();

/** Undefined where nothing is traced. */
export const tracer = await openTracer(parseEnvironment(tracingEnvironment, process.env), "publisher");

export { publish };
