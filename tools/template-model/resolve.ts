/** A template as CDK writes it; only what the model reads. */
export interface Template {
  readonly Resources?: Readonly<Record<string, RawResource>>;
  readonly Parameters?: Readonly<Record<string, unknown>>;
  readonly Outputs?: Readonly<
    Record<string, { readonly Value: unknown; readonly Export?: { readonly Name: unknown } }>
  >;
}

export interface RawResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly DependsOn?: string | readonly string[];
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly UpdatePolicy?: unknown;
}

/** The templates of an environment, by the names of their stacks. */
export type Templates = Readonly<Record<string, Template>>;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Replaces CloudFormation's functions by text, so that values can be compared and references be found in them:
 * `${stack/LogicalId}` for a Ref, `${stack/LogicalId.Attribute}` for a GetAtt, also through exports of other stacks;
 * `${AWS::Region}` for what only the deploy knows. What refers to nothing goes to `onDangling`.
 */
export class Resolver {
  readonly #templates: Templates;
  readonly #exports = new Map<string, { readonly stack: string; readonly value: unknown }>();
  readonly #onDangling: (stack: string, name: string) => void;

  constructor(templates: Templates, onDangling: (stack: string, name: string) => void) {
    this.#templates = templates;
    this.#onDangling = onDangling;
    for (const [stack, { Outputs = {} }] of Object.entries(templates)) {
      for (const { Value, Export } of Object.values(Outputs)) {
        if (Export) this.#exports.set(String(Export.Name), { stack, value: Value });
      }
    }
  }

  resolve(stack: string, value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.resolve(stack, item));
    if (!isRecord(value)) return value;
    const [[name, content] = ["", undefined], ...others] = Object.entries(value);
    if (others.length === 0 && (name === "Ref" || name.startsWith("Fn::"))) return this.#call(stack, name, content);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.resolve(stack, item)]));
  }

  #call(stack: string, name: string, content: unknown): unknown {
    switch (name) {
      case "Ref":
        return this.#reference(stack, String(content));
      case "Fn::GetAtt": {
        const [id = "", ...attribute] = Array.isArray(content) ? content : String(content).split(".");
        return this.#reference(stack, id, attribute.join("."));
      }
      case "Fn::Join":
        return this.#join(stack, content);
      case "Fn::Sub":
        return this.#substitute(stack, content);
      case "Fn::ImportValue":
        return this.#import(stack, String(content));
      case "Fn::GetStackOutput":
        return this.#output(stack, content);
      case "Fn::Select":
        return this.#select(stack, content);
      default:
        return `\${${name}:${JSON.stringify(this.resolve(stack, content))}}`;
    }
  }

  #reference(stack: string, id: string, attribute?: string): string {
    if (id.startsWith("AWS::")) return `\${${id}}`;
    const { Resources = {}, Parameters = {} } = this.#templates[stack] ?? {};
    if (Object.hasOwn(Parameters, id)) return `\${parameter:${id}}`;
    if (!Object.hasOwn(Resources, id)) this.#onDangling(stack, id);
    return attribute ? `\${${stack}/${id}.${attribute}}` : `\${${stack}/${id}}`;
  }

  #join(stack: string, content: unknown): unknown {
    const [delimiter, list] = Array.isArray(content) ? content : ["", []];
    const items = this.resolve(stack, list);
    return Array.isArray(items) ? items.map(String).join(String(delimiter)) : `\${join:${JSON.stringify(items)}}`;
  }

  #substitute(stack: string, content: unknown): string {
    const [text, variables = {}] = Array.isArray(content) ? content : [content];
    return String(text).replaceAll(/\$\{([^}!]+)\}/g, (_all, name: string) => {
      if (isRecord(variables) && Object.hasOwn(variables, name)) return String(this.resolve(stack, variables[name]));
      const [id = "", ...attribute] = name.split(".");
      return this.#reference(stack, id, attribute.join("."));
    });
  }

  #import(stack: string, name: string): unknown {
    const found = this.#exports.get(name);
    if (found) return this.resolve(found.stack, found.value);
    this.#onDangling(stack, name);
    return `\${import:${name}}`;
  }

  /** A weak reference of CDK: the output of a stack that may be changed without its readers. */
  #output(stack: string, content: unknown): unknown {
    const { StackName = "", OutputName = "" } = isRecord(content) ? content : {};
    const output = this.#templates[String(StackName)]?.Outputs?.[String(OutputName)];
    if (output) return this.resolve(String(StackName), output.Value);
    this.#onDangling(stack, `${StackName}.${OutputName}`);
    return `\${output:${StackName}.${OutputName}}`;
  }

  #select(stack: string, content: unknown): unknown {
    const [index, list] = Array.isArray(content) ? content : [0, []];
    const items = this.resolve(stack, list);
    return Array.isArray(items) ? items[Number(index)] : `\${select:${index}:${JSON.stringify(items)}}`;
  }
}
