import { describe, expect, it } from "vitest";
import { functionsOf, gatewayContainer, synthesize, variants } from "./synthesize.ts";

/** Returns the logical id that a value refers to, in its own stack or, by the name of an export, in another one. */
const referenceOf = (value: unknown): string => {
  const text = JSON.stringify(value);
  return (
    /(?:Ref|FnGetAtt)?([A-Za-z0-9]*SecurityGroup[A-Za-z0-9]*?)(?:GroupId[A-F0-9]{8})?"/.exec(
      text.replace(/^.*ExportsOutput/, ""),
    )?.[1] ?? text
  );
};

describe.each(Object.entries(variants))("%s", (_name, fields) => {
  const synthesis = synthesize(fields);
  const { config, resources, ofType } = synthesis;
  const gateway = config.gateway.enabled ? gatewayContainer(synthesis) : undefined;
  const functions = functionsOf(synthesis);
  const inVpc = functions.filter(({ Properties }) => Properties.VpcConfig !== undefined);

  it("opens the paths to Redis, to the gateway and to AWS's endpoints, and no other", () => {
    const rules = ofType("AWS::EC2::SecurityGroupIngress").filter(({ Properties }) => Properties.SourceSecurityGroupId);
    const paths = rules.map(
      ({ Properties }) =>
        `${referenceOf(Properties.SourceSecurityGroupId)} > ${Properties.FromPort}-${Properties.ToPort}`,
    );
    const endpoints = config.network.egress === "endpoints";
    const clients = [
      ...(config.gateway.enabled ? ["Gateway"] : []),
      ...["marketdata", "orders", "notifications", "portfolio", "copytrading", "signals"],
      ...(config.managedEdge.enabled ? ["messages", "fanout"] : []),
      // The functions that rotate the users' passwords.
      ...(config.rotation.enabled ? ["gateway", "publisher", "managededge"] : []),
      "OtherRepositories",
    ].map((name) => new RegExp(`^${name}SecurityGroup`));

    const redis = paths.filter((path) => path.endsWith("> 6379-6379"));
    const tasks = paths.filter((path) => path.endsWith("> 8080-8080"));
    const services = paths.filter((path) => path.endsWith("> 443-443"));
    for (const client of clients) {
      expect(redis.filter((path) => client.test(path))).toHaveLength(1);
      expect(services.filter((path) => client.test(path))).toHaveLength(endpoints ? 1 : 0);
    }
    expect(tasks).toEqual(config.gateway.enabled ? [expect.stringMatching(/^LoadBalancerSecurityGroup/)] : []);
    expect(redis.length + tasks.length + services.length).toBe(paths.length);
    expect(redis).toHaveLength(clients.length);
  });

  it("has an egress rule for every ingress rule, and one for HTTPS", () => {
    const rules = ofType("AWS::EC2::SecurityGroupIngress").filter(({ Properties }) => Properties.SourceSecurityGroupId);
    const exits = ofType("AWS::EC2::SecurityGroupEgress").map(
      ({ Properties }) => `${Properties.FromPort}-${Properties.ToPort}`,
    );
    const inline = ofType("AWS::EC2::SecurityGroup").flatMap(({ Properties }) =>
      (Properties.SecurityGroupEgress ?? []).map(
        ({ CidrIp, FromPort }: { CidrIp: string; FromPort?: number }) => `${CidrIp} ${FromPort ?? "none"}`,
      ),
    );

    // With a rule on one side only, connections time out.
    expect(exits.toSorted()).toEqual(
      rules.map(({ Properties }) => `${Properties.FromPort}-${Properties.ToPort}`).toSorted(),
    );
    // The NAT instance may connect anywhere; 255.255.255.255 is CDK's rule for no egress at all.
    const usual = ["0.0.0.0/0 443", "255.255.255.255/32 252"];
    const others = inline.filter((rule) => !usual.includes(rule));
    expect(others).toEqual(config.network.egress === "nat-instance" ? ["0.0.0.0/0 none"] : []);
  });

  it("has Redis on the port of the security groups and of the URLs", () => {
    const [cluster] = ofType("AWS::ElastiCache::ReplicationGroup");
    const urls = [
      ...(gateway ? [gateway.environment.RT_REDIS_URL] : []),
      ...inVpc.map(({ Properties }) => Properties.Environment.Variables.RT_REDIS_URL),
    ];

    expect(cluster?.Properties.Port ?? 6379).toBe(6379);
    const rotations = config.rotation.enabled ? 3 : 0;
    expect(urls).toHaveLength(6 + (gateway ? 1 : 0) + (config.managedEdge.enabled ? 2 : 0) + rotations);
    for (const url of urls) {
      const text = JSON.stringify(url);
      expect(text).toMatch(
        /"rediss:\/\/".*ExportsOutputFnGetAtt(ClusterConfigurationEndPointAddress|ServerlessEndpointAddress).*":6379"/,
      );
    }
  });

  it("accepts traffic from outside the VPC only at the load balancer", () => {
    const inline = ofType("AWS::EC2::SecurityGroup").flatMap(({ logicalId, Properties }) =>
      (Properties.SecurityGroupIngress ?? []).map((rule: Record<string, unknown>) => ({ ...rule, group: logicalId })),
    );
    const open = inline.filter(({ CidrIp }) => CidrIp === "0.0.0.0/0");
    const isOpenToAll = config.gateway.enabled && config.edge.type === "alb";

    expect(open.map(({ group }) => /^LoadBalancerSecurityGroup/.test(group))).toEqual(open.map(() => true));
    expect(open.map(({ FromPort }) => FromPort)).toEqual(
      isOpenToAll ? (config.edge.certificateArn ? [80, 443] : [80]) : [],
    );
    expect(ofType("AWS::ElasticLoadBalancingV2::LoadBalancer").map(({ Properties }) => Properties.Scheme)).toEqual(
      config.gateway.enabled ? [config.edge.type === "alb" ? "internet-facing" : "internal"] : [],
    );
    expect(
      ofType("AWS::ECS::Service").map(
        ({ Properties }) => Properties.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp,
      ),
    ).toEqual(config.gateway.enabled ? ["DISABLED"] : []);
    expect(ofType("AWS::Lambda::Url")).toEqual([]);
    for (const { Properties } of ofType("AWS::S3::Bucket")) {
      expect(Object.values(Properties.PublicAccessBlockConfiguration)).toEqual([true, true, true, true]);
    }
  });

  it("contains no secret in plain text", () => {
    const secrets = resources.filter(({ Properties }) =>
      JSON.stringify(Properties ?? {}).includes("{{resolve:secretsmanager"),
    );

    expect(secrets.filter(({ Type }) => Type !== "AWS::ElastiCache::User")).toEqual([]);
    expect(secrets.length).toBeGreaterThanOrEqual(2);
    expect(gateway?.container.Secrets).toBeUndefined();
    expect(gateway?.environment.RT_REDIS_PASSWORD).toBeUndefined();
    expect(gateway === undefined || gateway.environment.RT_REDIS_SECRET_ARN !== undefined).toBe(true);
    for (const { Properties } of inVpc) {
      expect(Object.keys(Properties.Environment.Variables)).toContain("RT_REDIS_SECRET_ARN");
    }
    for (const { Properties } of functions) {
      expect(Object.keys(Properties.Environment.Variables)).not.toContain("RT_REDIS_PASSWORD");
    }
  });

  it("can fetch the issuer's keys, or has them", () => {
    const isolated = config.network.egress === "endpoints";
    const routes = ofType("AWS::EC2::Route").filter(({ logicalId }) => logicalId.includes("Compute"));

    expect(routes).toHaveLength(isolated ? 0 : config.network.availabilityZones);
    expect(gateway?.environment.RT_AUTH_JWKS !== undefined || !isolated).toBe(true);
  });
});
