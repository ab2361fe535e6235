import { gatewayMetrics, METRICS_NAMESPACE } from "../../../kernel/operations/gateway-metrics.ts";
import { failed, type Rule } from "../model.ts";
import { gatewayDimensions, isOfScaling } from "./scaling.ts";

/** Dashboards may have no more: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html. */
const MOST_WIDGETS = 500;

interface Widget {
  readonly type: string;
  readonly properties: { readonly metrics?: readonly (readonly unknown[])[] };
}

function widgetsOf(body: string): readonly Widget[] {
  try {
    return JSON.parse(body).widgets ?? [];
  } catch {
    return [];
  }
}

/** The dashboard shows every alarm that calls somebody, and metrics that the gateways of this environment write. */
const dashboardRule: Rule = (model) => {
  const dashboards = model.ofType("AWS::CloudWatch::Dashboard");
  const alarms = model.ofType("AWS::CloudWatch::Alarm").filter((alarm) => !isOfScaling(model, alarm));
  const own = gatewayDimensions(model).flatMap(({ Name, Value }) => [Name, Value]);
  return [
    ...failed({ name: "dashboard" }, { "is missing, or there are several": dashboards.length === 1 }),
    ...dashboards.flatMap((dashboard) => {
      const shown = new Set(model.references(dashboard.properties.DashboardBody));
      const widgets = widgetsOf(dashboard.properties.DashboardBody);
      const metrics = widgets
        .flatMap(({ properties }) => properties.metrics ?? [])
        .filter(([namespace]) => namespace === METRICS_NAMESPACE);
      const ofGateway = metrics.filter(([, , dimension]) => dimension === "Environment");
      return failed(dashboard, {
        "cannot be read": widgets.length > 0 && widgets.length <= MOST_WIDGETS,
        "does not show every alarm": alarms.every((alarm) => shown.has(alarm)),
        "shows something that is no alarm, or calls nobody": [...shown].every((each) => alarms.includes(each)),
        "shows metrics that no gateway writes": ofGateway.every(([, name]) =>
          Object.hasOwn(gatewayMetrics, String(name)),
        ),
        "shows the gateways of another environment": ofGateway.every(
          (metric) => JSON.stringify(metric.slice(2, 6)) === JSON.stringify(own),
        ),
        "shows nothing of the gateways, or of gateways that are not there":
          ofGateway.length > 0 === model.config.gateway.enabled,
      });
    }),
  ];
};

/** The rules of the dashboard. */
export const dashboardRules: readonly Rule[] = [dashboardRule];
