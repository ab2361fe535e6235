/** How the schemas of payloads are built: from functions that return the canonical form of a value, or refuse it. */
import * as z from "zod";
import { Refusal } from "./refusal.ts";

/** The values that each schema takes, in words: docs/events.md is generated from it. */
export const forms = z.registry<{ readonly form: string }>();

/**
 * Builds the schema of one field from the function that reads it.
 *
 * @param form the values that it takes, with their limits, in words.
 */
export const canonical = <Output, Input = Output>(form: string, read: (value: unknown) => Output | Refusal) =>
  z
    .custom<Input>()
    .transform((value, context): Output => {
      const result =
        value === undefined || value === null ? new Refusal("is missing, and the field is required") : read(value);
      if (!(result instanceof Refusal)) return result;
      context.addIssue({ code: "custom", message: result.message });
      return z.NEVER;
    })
    .register(forms, { form });

/** Makes a field optional: null and an empty text stand for absent. */
export const optional = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .preprocess(
      (value: z.input<Schema> | null | undefined): unknown => (value === null || value === "" ? undefined : value),
      schema.optional(),
    )
    .optional();

/** Builds the schema of a list; null stands for an empty one, as Go writes it. */
export const list = <Schema extends z.ZodType>(schema: Schema, maximum: number, things: string) =>
  z
    .array(schema, { error: `must be a list of ${things}` })
    .max(maximum, `has more than ${maximum} ${things}, which is the limit of one message`)
    .nullable()
    .transform((items) => items ?? [])
    .register(forms, { form: `a list of at most ${maximum} ${things}` });
