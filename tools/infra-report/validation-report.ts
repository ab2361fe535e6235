import * as z from "zod";

const violation = z.looseObject({ ruleName: z.string(), reason: z.string().optional() });

/** `validation-report.json` of a cloud assembly: what the plugins say that check every synth. */
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
