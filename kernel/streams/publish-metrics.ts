/** Namespace and service of a publisher's CloudWatch metrics; their dimensions are the service and FunctionName. */
export const PUBLISH_METRICS = { namespace: "VeztaRealtime", service: "publish" } as const;

/** Counts streams (or orders, copy trades) that got only older states for 30 s or longer. An alarm watches it. */
export const FROZEN_STREAMS = "FrozenStreams";
