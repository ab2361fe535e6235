import { describe, expect, it } from "vitest";
import { parseEnvironment, redisEnvironment } from "../../contract/server/env.ts";
import { gatewayEnvironment } from "../../gateway/config.ts";
import { redisSecretEnvironment } from "../../lambdas/publish/redis-secret.ts";
import { functionsOf, gatewayContainer, synthesize, variants } from "./synthesize.ts";

/** What CloudFormation makes of a value: what it knows only at deploy gets a likely one. */
const resolve = (value: unknown): string =>
  typeof value === "string"
    ? value
    : JSON.stringify(value).includes("rediss://")
      ? "rediss://cache.example.com:6379"
      : JSON.stringify(value).includes("cognito-idp")
        ? "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab1Cd2Ef3"
        : "arn:aws:secretsmanager:us-east-1:111122223333:secret:Password";

const resolveAll = (variables: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, resolve(value)]));

describe.each(Object.entries(variants))("%s", (_name, fields) => {
  const synthesis = synthesize(fields);

  it("tells the gateway what its own configuration takes, and nothing that it does not know", () => {
    const { environment, container } = gatewayContainer(synthesis);
    const secrets: string[] = container.Secrets.map(({ Name }: { Name: string }) => Name);
    const names = [...Object.keys(environment), ...secrets];

    const config = parseEnvironment(gatewayEnvironment, { ...resolveAll(environment), RT_REDIS_PASSWORD: "secret" });

    expect(names.filter((name) => !(name in gatewayEnvironment.shape))).toEqual([]);
    expect(config).toMatchObject({
      RT_PORT: container.PortMappings[0].ContainerPort,
      RT_REDIS_CLUSTER: true,
      RT_EMF: true,
    });
  });

  it("tells every publisher what its own configuration takes", () => {
    const schema = redisEnvironment.extend(redisSecretEnvironment.shape);
    const others = ["POWERTOOLS_SERVICE_NAME", "NODE_OPTIONS"];

    for (const { Properties } of functionsOf(synthesis)) {
      const variables = Properties.Environment.Variables;
      const config = parseEnvironment(schema, resolveAll(variables));
      expect(config).toMatchObject({ RT_REDIS_CLUSTER: true, RT_REDIS_USERNAME: "publisher" });
      expect(Object.keys(variables).filter((name) => !(name in schema.shape) && !others.includes(name))).toEqual([]);
    }
  });
});
