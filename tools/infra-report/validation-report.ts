import * as z from "zod";

const violation = z.looseObject({ ruleName: z.string(), reason: z.string().optional() });

/** The schema of `validation-report.json` in a cloud assembly: the findings of the plugins that check every synth. */
export const validationReportSchema = z.object({
  pluginReports: z.array(
    z.object({
      pluginName: z.string(),
      conclusion: z.string(),
      violations: z.array(violation),
      suppressedViolations: z.array(violation).default([]),
    }),
  ),
});

export type ValidationReport = z.infer<typeof validationReportSchema>["pluginReports"];
