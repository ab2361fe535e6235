/** Namespace and service of the managed edge's CloudWatch metrics; their dimensions are the service and FunctionName. */
export const EDGE_METRICS = { namespace: "VeztaRealtime", service: "managed-edge" } as const;

/** Counts reads of a state channel's value that found another one than was published. An alarm watches it. */
export const DAMAGED_STATES = "DamagedStates";
