import { Annotations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";
import type { EnvironmentConfig } from "../../config/config.ts";

/** A domain that is reserved for examples: nobody reads its mail, and no page is served from it. */
const EXAMPLE = /[@./]example\.(com|net|org)$/;

/** Warns at each synth of values that `cdk.json` gives only as examples. */
export function warnOfExamples(
  scope: IConstruct,
  { alarmEmail, gateway }: Pick<EnvironmentConfig, "alarmEmail" | "gateway">,
): void {
  const examples = [alarmEmail ?? "", ...gateway.corsOrigins].filter((value) => EXAMPLE.test(value));
  if (examples.length === 0) return;
  Annotations.of(scope).addWarningV2(
    "vezta:example-value",
    `EXAMPLE VALUES: ${examples.join(", ")}. Give your own in cdk.json before you deploy: alarms reach nobody, or your pages are refused.`,
  );
}
