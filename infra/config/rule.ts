import type { z } from "zod";
import type { cacheSchema } from "./cache-section.ts";
import type { networkSchema } from "./network-section.ts";
import type { authSchema, costSchema, edgeSchema, gatewaySchema, managedEdgeSchema } from "./sections.ts";

/** The part of the configuration that rules check. */
export interface CheckedConfig {
  readonly region: string;
  readonly protection: boolean;
  readonly alarmEmail?: string | undefined;
  readonly cost: z.infer<typeof costSchema>;
  readonly network: z.infer<typeof networkSchema>;
  readonly cache: z.infer<typeof cacheSchema>;
  readonly gateway: z.infer<typeof gatewaySchema>;
  readonly managedEdge: z.infer<typeof managedEdgeSchema>;
  readonly auth: z.infer<typeof authSchema>;
  readonly edge: z.infer<typeof edgeSchema>;
}

/** A field that contradicts another one, and the allowed values. */
export interface Problem {
  readonly path: string[];
  readonly message: string;
}

/** A check, and what is wrong if it fails. */
export interface Rule extends Problem {
  readonly broken: boolean;
}
