import type { EnvironmentConfig } from "../../infra/config/config.ts";
import { readCodeFacts } from "./code-facts.ts";
import { type Finding, Model, type Rule } from "./model.ts";
import type { Templates } from "./resolve.ts";
import { alarmRules } from "./rules/alarms.ts";
import { cacheRules } from "./rules/cache.ts";
import { cloudFrontRules } from "./rules/cloudfront.ts";
import { collectorRules } from "./rules/collector.ts";
import { dashboardRules } from "./rules/dashboard.ts";
import { eventRules } from "./rules/events.ts";
import { generalRules } from "./rules/general.ts";
import { loadBalancerRules } from "./rules/load-balancer.ts";
import { managedEdgeRules } from "./rules/managed-edge.ts";
import { openPortRules } from "./rules/open-ports.ts";
import { operationRules } from "./rules/operations.ts";
import { pathRules } from "./rules/paths.ts";
import { programRules } from "./rules/programs.ts";
import { queueRules } from "./rules/queues.ts";
import { roleRules } from "./rules/roles.ts";
import { rotationRules } from "./rules/rotation.ts";
import { scalingRules } from "./rules/scaling.ts";
import { serviceRules } from "./rules/service.ts";
import { subnetRules } from "./rules/subnets.ts";

const rules: readonly Rule[] = [
  ...generalRules,
  ...subnetRules,
  ...pathRules,
  ...openPortRules,
  ...cacheRules,
  ...programRules,
  ...roleRules,
  ...serviceRules,
  ...scalingRules,
  ...collectorRules,
  ...rotationRules,
  ...loadBalancerRules,
  ...cloudFrontRules,
  ...eventRules,
  ...queueRules,
  ...managedEdgeRules,
  ...alarmRules,
  ...dashboardRules,
  ...operationRules,
];

/** Returns what is wrong with the templates of an environment, taken together and with the code that they deploy. */
export function checkTemplates(templates: Templates, config: EnvironmentConfig): Finding[] {
  const model = new Model(templates, config, readCodeFacts());
  return rules.flatMap((rule) => apply(rule, model));
}

/** A rule that finds no list or object where every resource of a type has one cannot go on; the shapes say which. */
function apply(rule: Rule, model: Model): Finding[] {
  try {
    return rule(model);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return [{ resource: "templates", problem: `cannot be followed: ${error.message}` }];
  }
}
