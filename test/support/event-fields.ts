import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { forms } from "../../contract/payloads/schemas.ts";

const root = join(import.meta.dirname, "../..");

/** A field of an event, as docs/events.md lists it. */
export interface EventField {
  readonly path: string;
  readonly isRequired: boolean;
  /** The values that it takes, with their limits. */
  readonly form: string;
  /** The doc comment. */
  readonly meaning: string;
}

interface ObjectSource {
  /** The object that it extends. */
  readonly base: string | undefined;
  /** The doc comment of each field that has one. */
  readonly meanings: ReadonlyMap<string, string>;
  /** The schema that each field names. */
  readonly schemas: ReadonlyMap<string, string>;
}

const toMeaning = (comment: string): string =>
  comment
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trim())
    .join(" ")
    .trim();

/** Reads the doc comments of the objects in contract/, which a schema does not have. */
function readSources(): ReadonlyMap<string, ObjectSource> {
  const texts = globSync(["contract/payloads/*.ts", "contract/domain-events.ts"], { cwd: root }).map((file) =>
    readFileSync(join(root, file), "utf8"),
  );
  const objects = texts.flatMap((text) => [
    ...text.matchAll(/^(?:export )?const (\w+) = (\w+)\s*\.(?:object|extend)\(\{\n(.*?)^(?:\}\)| {2}\}\)\n)/gms),
  ]);
  return new Map(
    objects.map(([, name = "", base, body = ""]) => {
      const comments = [...body.matchAll(/\/\*\*(.*?)\*\/\s+(\w+)/gs)];
      const fields = [...body.matchAll(/^ +(\w+)(?:: (?:(?:optional|list)\()?(\w+))?/gm)];
      return [
        name,
        {
          base: base === "z" ? undefined : base,
          meanings: new Map(comments.map(([, comment = "", field = ""]) => [field, toMeaning(comment)])),
          schemas: new Map(fields.map(([, field = "", schema = field]) => [field, schema])),
        },
      ];
    }),
  );
}

const sources = readSources();

function lookUp(kind: "meanings" | "schemas", object: string | undefined, field: string): string | undefined {
  const source = object === undefined ? undefined : sources.get(object);
  return source && (source[kind].get(field) ?? lookUp(kind, source.base, field));
}

/** Returns the schema inside of those that make it optional or a list, and the form that one of them has. */
function unwrap(schema: z.ZodType): {
  readonly schema: z.ZodType;
  readonly form: string | undefined;
  readonly suffix: string;
} {
  let inner = schema;
  let form: string | undefined;
  let suffix = "";
  for (;;) {
    form ??= forms.get(inner)?.form;
    if (inner instanceof z.ZodPipe) {
      inner = (inner.in instanceof z.ZodTransform ? inner.out : inner.in) as z.ZodType;
    } else if (inner instanceof z.ZodOptional || inner instanceof z.ZodNullable) {
      inner = inner.unwrap() as z.ZodType;
    } else if (inner instanceof z.ZodArray) {
      inner = inner.element as z.ZodType;
      suffix = "[]";
    } else return { schema: inner, form, suffix };
  }
}

/**
 * Returns all fields of an object's schema, those of its parts behind them.
 *
 * @param name the constant of the schema in contract/.
 */
export function eventFields(schema: z.ZodObject, name: string | undefined, path = ""): readonly EventField[] {
  return Object.entries(schema.shape).flatMap(([key, value]) => {
    const field = z.instanceof(z.ZodType).parse(value);
    const { schema: inner, form, suffix } = unwrap(field);
    const row = {
      path: path + key,
      isRequired: !field.safeParse(undefined).success,
      form: form ?? (inner instanceof z.ZodLiteral ? `\`"${inner.value}"\`` : ""),
      meaning: lookUp("meanings", name, key) ?? "",
    };
    if (!(inner instanceof z.ZodObject)) return [row];
    const parts = eventFields(inner, lookUp("schemas", name, key), `${path}${key}${suffix}.`);
    return [{ ...row, form: form ?? "an object" }, ...parts];
  });
}
