import * as z from "zod";

export const any = z.unknown();
export const text = z.string().min(1);
export const yes = z.literal(true);
export const no = z.literal(false);
export const one = <T extends string | number>(...values: readonly T[]) => z.literal(values);
export const list = (item: z.ZodType, minimum = 1) => z.array(item).min(minimum);
export const whole = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum);
export const strict = z.strictObject;

/** A reference to something that another rule follows: not a value of its own. */
export const reference = z.string().regex(/^\$\{[\w-]+\/[\w.]+\}$/, "must refer to a resource");

/** A number within bounds, as text: so ECS and load balancers take them. */
export const digits = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^\d+$/, "must be a number")
    .refine((value) => Number(value) >= minimum && Number(value) <= maximum, `must be ${minimum} to ${maximum}`);

/** Returns the shape of a resource: what it must and may have. A property that is not named is a mistake. */
export const shape = (required: z.ZodRawShape, optional: z.ZodRawShape = {}): z.ZodType =>
  z.strictObject({ ...required, ...z.object(optional).partial().shape, Tags: any.optional() });

/** The shapes of resources, by type. */
export type Shapes = Readonly<Record<string, z.ZodType>>;

const statement = strict({
  Action: z.union([text, list(text)]),
  Effect: one("Allow", "Deny"),
  Resource: any.optional(),
  Principal: any.optional(),
  Condition: any.optional(),
  Sid: text.optional(),
});

/** A policy document; the rules on roles check what it allows. */
export const policyDocument = strict({ Version: one("2012-10-17"), Statement: list(statement) });
