import { change, drop, find, type Mutation, mutationsOf, propertiesOf, set, setIn } from "../mutation.ts";

const prod = mutationsOf("gateway", "both edges");
const TASK = "ECS::TaskDefinition";
const SERVICE = "ECS::Service";
const TARGETS = "ElasticLoadBalancingV2::TargetGroup";
const BALANCER = "ElasticLoadBalancingV2::LoadBalancer";
const CONTAINER = "ContainerDefinitions.0";

const variable = (name: string, value: unknown) => setIn(TASK, `${CONTAINER}.Environment`, name, value);
const targetAttribute = (name: string, value: unknown) => setIn(TARGETS, "TargetGroupAttributes", name, value);
const balancerAttribute = (name: string, value: unknown) => setIn(BALANCER, "LoadBalancerAttributes", name, value);
const statements = (text: string, edit: (statement: { Action: unknown; Resource: unknown }) => void) =>
  change(`IAM::Policy/${text}`, ({ Properties }) => Properties.PolicyDocument.Statement.forEach(edit));

const environment: Readonly<Record<string, Mutation["apply"]>> = {
  "Redis without TLS": variable("RT_REDIS_URL", (url: { "Fn::Join": [string, unknown[]] }) => ({
    "Fn::Join": ["", ["redis://", ...url["Fn::Join"][1].slice(1)]],
  })),
  "Redis on another port": variable("RT_REDIS_URL", (url: { "Fn::Join": [string, unknown[]] }) => ({
    "Fn::Join": ["", [...url["Fn::Join"][1].slice(0, -1), ":6380"]],
  })),
  "Redis of a fixed address": variable("RT_REDIS_URL", "rediss://redis.internal:6379"),
  "Redis as one node": variable("RT_REDIS_CLUSTER", "false"),
  "user of the publishers": variable("RT_REDIS_USERNAME", "publisher"),
  "no user": variable("RT_REDIS_USERNAME", undefined),
  "issuer of another pool": variable("RT_AUTH_ISSUER", "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"),
  "audience with a typing mistake": variable("RT_AUTH_AUDIENCE", "vezta-web"),
  "another port than the load balancer's": variable("RT_PORT", "8081"),
  "metrics on the public port": variable("RT_METRICS_PORT", "8080"),
  "any origin in production": variable("RT_CORS_ORIGINS", "*"),
  "a transport that does not exist": variable("RT_TRANSPORTS", "websockets"),
  "polling without stickiness": variable("RT_TRANSPORTS", "websocket,polling"),
  "more connections than files": variable("RT_MAX_CONNECTIONS", "70000"),
  "a drain longer than the delay": variable("RT_DRAIN_SECONDS", "90"),
  "a level that does not exist": variable("RT_LOG_LEVEL", "verbose"),
  "no metrics for autoscaling": variable("RT_EMF", "false"),
  "metrics of another environment": variable("RT_ENVIRONMENT", "dev"),
  "a flag that is no flag": variable("RT_COMPRESSION", "yes"),
  "a misspelt variable": change(TASK, ({ Properties }) => {
    Properties.ContainerDefinitions[0].Environment.find(
      ({ Name }: { Name: string }) => Name === "RT_DRAIN_SECONDS",
    ).Name = "RT_DRAIN_SECOND";
  }),
  "the password as a variable": change(TASK, ({ Properties }) => {
    const [container] = Properties.ContainerDefinitions;
    container.Environment.push({ Name: "RT_REDIS_PASSWORD", Value: "a-password-of-the-template" });
  }),
  "no password": variable("RT_REDIS_SECRET_ARN", undefined),
  "the password of the publishers": variable(
    "RT_REDIS_SECRET_ARN",
    (_: unknown, t: never) =>
      propertiesOf(t, "AWS::Lambda::Function", /ordersFunction/).Environment.Variables.RT_REDIS_SECRET_ARN,
  ),
  "the password from ECS, which a rotation does not reach": change(TASK, ({ Properties }) => {
    const [container] = Properties.ContainerDefinitions;
    const { Value } = container.Environment.find(({ Name }: { Name: string }) => Name === "RT_REDIS_SECRET_ARN");
    container.Secrets = [{ Name: "RT_REDIS_PASSWORD", ValueFrom: Value }];
  }),
  "no target group": variable("RT_TARGET_GROUP_ARN", undefined),
  "the listener in place of the target group": variable("RT_TARGET_GROUP_ARN", (_: unknown, t: never) => ({
    Ref: find(t, "AWS::ElasticLoadBalancingV2::Listener")[0]?.id,
  })),
};

const task: Readonly<Record<string, Mutation["apply"]>> = {
  "size that Fargate does not have": set(TASK, "Memory", "1024"),
  "half the processor": set(TASK, "Cpu", "512"),
  "Intel in place of Graviton": set(TASK, "RuntimePlatform.CpuArchitecture", "X86_64"),
  "bridge network": set(TASK, "NetworkMode", "bridge"),
  "task for EC2": set(TASK, "RequiresCompatibilities", ["EC2"]),
  "container that may fail": set(TASK, `${CONTAINER}.Essential`, false),
  "image of another repository": set(
    TASK,
    `${CONTAINER}.Image`,
    "111122223333.dkr.ecr.us-east-1.amazonaws.com/other:1",
  ),
  "port that nobody listens on": set(TASK, `${CONTAINER}.PortMappings.0.ContainerPort`, 3000),
  "writable file system": set(TASK, `${CONTAINER}.ReadonlyRootFilesystem`, false),
  "privileged container": set(TASK, `${CONTAINER}.Privileged`, true),
  "killed after 30 s": set(TASK, `${CONTAINER}.StopTimeout`, 30),
  "stop timeout above Fargate's": set(TASK, `${CONTAINER}.StopTimeout`, 300),
  "1,024 open files": set(TASK, `${CONTAINER}.Ulimits.0.SoftLimit`, 1_024),
  "another limit than files": set(TASK, `${CONTAINER}.Ulimits.0.Name`, "memlock"),
  "logs that block": set(TASK, `${CONTAINER}.LogConfiguration.Options.mode`, "blocking"),
  "no mode of logs": drop(TASK, `${CONTAINER}.LogConfiguration.Options.mode`),
  "logs in another region": set(TASK, `${CONTAINER}.LogConfiguration.Options.awslogs-region`, "eu-west-1"),
  "logs to a group that is none": set(TASK, `${CONTAINER}.LogConfiguration.Options.awslogs-group`, "gateway"),
  "execution role for the program": (t) => {
    const p = propertiesOf(t, "AWS::ECS::TaskDefinition");
    p.TaskRoleArn = p.ExecutionRoleArn;
  },
  "role that may not pull": statements("GatewayTaskExecutionRole", (statement) => {
    if (JSON.stringify(statement.Action).includes("ecr:BatchGetImage"))
      statement.Action = ["ecr:BatchCheckLayerAvailability"];
  }),
  "role that pulls from elsewhere": statements("GatewayTaskExecutionRole", (statement) => {
    if (JSON.stringify(statement.Action).includes("ecr:BatchGetImage"))
      statement.Resource = "arn:aws:ecr:us-east-1:111122223333:repository/other";
  }),
  "role that gets no token for images": statements("GatewayTaskExecutionRole", (statement) => {
    if (statement.Action === "ecr:GetAuthorizationToken") statement.Action = "ecr:DescribeImages";
  }),
  "task role without the health of its targets": statements("GatewayTaskTaskRole", (statement) => {
    if (statement.Action === "elasticloadbalancing:DescribeTargetHealth")
      statement.Action = "elasticloadbalancing:DescribeTargetGroups";
  }),
  "health of one target group, which the action does not take": (t) => {
    const { LoadBalancers } = propertiesOf(t, "AWS::ECS::Service");
    const { PolicyDocument } = propertiesOf(t, "AWS::IAM::Policy", /GatewayTaskTaskRole/);
    for (const statement of PolicyDocument.Statement)
      if (statement.Resource === "*") statement.Resource = LoadBalancers[0].TargetGroupArn;
  },
  "role that may not read its secret": statements("GatewayTaskTaskRole", (statement) => {
    if (JSON.stringify(statement.Action).includes("secretsmanager")) statement.Action = "secretsmanager:DescribeSecret";
  }),
  "role that may read every secret": statements("GatewayTaskTaskRole", (statement) => {
    if (JSON.stringify(statement.Action).includes("secretsmanager")) statement.Resource = "*";
  }),
  "role that may not write its log": statements("GatewayTaskExecutionRole", (statement) => {
    if (JSON.stringify(statement.Action).includes("logs:")) statement.Action = "logs:CreateLogStream";
  }),
  "role of Lambda": set(
    "IAM::Role/GatewayTaskExecutionRole",
    "AssumeRolePolicyDocument.Statement.0.Principal.Service",
    "lambda.amazonaws.com",
  ),
  administrator: set("IAM::Role/GatewayTaskTaskRole", "ManagedPolicyArns", [
    "arn:aws:iam::aws:policy/AdministratorAccess",
  ]),
};

const service: Readonly<Record<string, Mutation["apply"]>> = {
  "minimum healthy 0 %": set(SERVICE, "DeploymentConfiguration.MinimumHealthyPercent", 0),
  "a deployment of all tasks at once": set(SERVICE, "DeploymentConfiguration.MaximumPercent", 200),
  "a deployment of less than a task": set(SERVICE, "DeploymentConfiguration.MaximumPercent", 110),
  "tasks that stay in the zones that are left": set(SERVICE, "AvailabilityZoneRebalancing", "DISABLED"),
  "maximum 100 %": set(SERVICE, "DeploymentConfiguration.MaximumPercent", 100),
  "no circuit breaker": drop(SERVICE, "DeploymentConfiguration.DeploymentCircuitBreaker"),
  "no rollback": set(SERVICE, "DeploymentConfiguration.DeploymentCircuitBreaker.Rollback", false),
  "no grace period": drop(SERVICE, "HealthCheckGracePeriodSeconds"),
  "grace period of 5 s": set(SERVICE, "HealthCheckGracePeriodSeconds", 5),
  "desired count": set(SERVICE, "DesiredCount", 1),
  "public addresses": set(SERVICE, "NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp", "ENABLED"),
  "one subnet": set(SERVICE, "NetworkConfiguration.AwsvpcConfiguration.Subnets", (ids: unknown[]) => ids.slice(0, 1)),
  "isolated subnets": (t) => {
    propertiesOf(t, "AWS::ECS::Service").NetworkConfiguration.AwsvpcConfiguration.Subnets = propertiesOf(
      t,
      "AWS::ElastiCache::SubnetGroup",
    ).SubnetIds;
  },
  "no security group": drop(SERVICE, "NetworkConfiguration.AwsvpcConfiguration.SecurityGroups"),
  "no load balancer": drop(SERVICE, "LoadBalancers"),
  "another container at the load balancer": set(SERVICE, "LoadBalancers.0.ContainerName", "Web"),
  "another port at the load balancer": set(SERVICE, "LoadBalancers.0.ContainerPort", 80),
  "service before its listener": change(SERVICE, (resource) => {
    resource.DependsOn = [];
  }),
  "spot in place of on demand": set(SERVICE, "LaunchType", "EXTERNAL"),
  "health at a path with a typing mistake": set(TARGETS, "HealthCheckPath", "/health"),
  "health by readiness": set(TARGETS, "HealthCheckPath", "/readyz"),
  "health timeout above the interval": set(TARGETS, "HealthCheckTimeoutSeconds", 20),
  "health every five minutes": set(TARGETS, "HealthCheckIntervalSeconds", 300),
  "health after ten failures": set(TARGETS, "UnhealthyThresholdCount", 10),
  "targets by instance": set(TARGETS, "TargetType", "instance"),
  "targets on another port": set(TARGETS, "Port", 80),
  "targets over HTTPS": set(TARGETS, "Protocol", "HTTPS"),
  "no deregistration delay": targetAttribute("deregistration_delay.timeout_seconds", "0"),
  "delay shorter than the drain": targetAttribute("deregistration_delay.timeout_seconds", "30"),
  "stickiness without polling": targetAttribute("stickiness.enabled", "true"),
  "round robin": targetAttribute("load_balancing.algorithm.type", "round_robin"),
  "misspelt attribute of targets": set(TARGETS, "TargetGroupAttributes.0.Key", "deregistration_delay.timeout_second"),
  "idle timeout below the ping": balancerAttribute("idle_timeout.timeout_seconds", "10"),
  "idle timeout above the maximum": balancerAttribute("idle_timeout.timeout_seconds", "5000"),
  "misspelt attribute of the load balancer": set(BALANCER, "LoadBalancerAttributes.1.Key", "idle_timeout.seconds"),
  "no deletion protection": balancerAttribute("deletion_protection.enabled", "false"),
  "headers that HTTP does not allow": balancerAttribute("routing.http.drop_invalid_header_fields.enabled", "false"),
  "no access log": balancerAttribute("access_logs.s3.enabled", "false"),
  "access log in another bucket": balancerAttribute("access_logs.s3.bucket", "other"),
  "load balancer in isolated subnets": (t) => {
    propertiesOf(t, "AWS::ElasticLoadBalancingV2::LoadBalancer").Subnets = propertiesOf(
      t,
      "AWS::ElastiCache::SubnetGroup",
    ).SubnetIds.slice(0, 1);
  },
  "log bucket with a key": set(
    "S3::Bucket",
    "BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.SSEAlgorithm",
    "aws:kms",
  ),
  "log bucket that is public": set("S3::Bucket", "PublicAccessBlockConfiguration.BlockPublicPolicy", false),
  "log bucket that nobody may write to": set("S3::BucketPolicy", "PolicyDocument.Statement", (list: unknown[]) =>
    list.slice(0, 1),
  ),
  "log bucket deleted with its stack": change("S3::Bucket", (bucket) => {
    bucket.DeletionPolicy = "Delete";
  }),
  "logs that never expire": drop("S3::Bucket", "LifecycleConfiguration"),
  "no container insights": drop("ECS::Cluster", "ClusterSettings"),
};

/** Mistakes in the gateway: its variables, task, roles, service, load balancer and autoscaling. */
export const gatewayMutations: readonly Mutation[] = [...prod(environment), ...prod(task), ...prod(service)];
