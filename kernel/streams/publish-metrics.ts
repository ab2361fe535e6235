/** Where a publisher's metrics are in CloudWatch; each has the service and the function's name (FunctionName) as dimensions. */
export const PUBLISH_METRICS = { namespace: "VeztaRealtime", service: "publish" } as const;

/** Streams (or orders, copy trades) that got nothing but older states for 30 s or longer. An alarm stands on it. */
export const FROZEN_STREAMS = "FrozenStreams";
