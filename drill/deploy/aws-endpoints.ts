import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { LoadBalancer } from "./load-balancer.ts";

/** The address of every task here; their ports tell them apart. */
const ADDRESS = "127.0.0.1";

export const TARGET_GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/drill/0123456789abcdef";

/** What a gateway asks AWS for: the health of the targets, and the metadata of its container. */
export interface AwsEndpoints {
  /** Variables with which a gateway, and the AWS SDK in it, find them. */
  readonly environment: Readonly<Record<string, string>>;
  /** Calls of `DescribeTargetHealth` that were answered. */
  readonly calls: () => number;
  /** Refuses every call from now on, as without the right to make it, or leaves it without an answer. */
  fail(how: "refused" | "silent"): void;
  close(): Promise<void>;
}

const envelope = (members: string): string =>
  `<DescribeTargetHealthResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/">
<DescribeTargetHealthResult><TargetHealthDescriptions>${members}</TargetHealthDescriptions></DescribeTargetHealthResult>
<ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata>
</DescribeTargetHealthResponse>`;

const errorOf = (code: string, message: string): string =>
  `<ErrorResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/">
<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`;

const describeTargets = ({ targets }: Pick<LoadBalancer, "targets">): string =>
  targets
    .map(
      ({ port, state }) =>
        `<member><Target><Id>${ADDRESS}</Id><Port>${port}</Port></Target><HealthCheckPort>${port}</HealthCheckPort>` +
        `<TargetHealth><State>${state}</State></TargetHealth></member>`,
    )
    .join("");

async function readBody(request: IncomingMessage): Promise<URLSearchParams> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return new URLSearchParams(text);
}

/** Serves the query API of Elastic Load Balancing v2, as far as a gateway uses it, and container metadata. */
export async function openAwsEndpoints(balancer: Pick<LoadBalancer, "targets">): Promise<AwsEndpoints> {
  let calls = 0;
  let failure: "refused" | "silent" | undefined;
  const server = createServer(async (request, response) => {
    if (request.method === "GET") {
      const Networks = [{ NetworkMode: "awsvpc", IPv4Addresses: [ADDRESS] }];
      response.end(JSON.stringify({ DockerId: "drill", Networks }));
      return;
    }
    const parameters = await readBody(request);
    response.setHeader("content-type", "text/xml");
    const isKnown =
      parameters.get("Action") === "DescribeTargetHealth" && parameters.get("TargetGroupArn") === TARGET_GROUP;
    if (failure === "silent") return;
    if (failure === "refused") {
      response.writeHead(403).end(errorOf("AccessDenied", "not authorized to perform DescribeTargetHealth"));
    } else if (!isKnown) {
      response.writeHead(400).end(errorOf("ValidationError", `unexpected: ${parameters}`));
    } else {
      calls += 1;
      response.end(envelope(describeTargets(balancer)));
    }
  });
  server.listen(0, ADDRESS);
  await once(server, "listening");
  const url = `http://${ADDRESS}:${(server.address() as AddressInfo).port}`;
  return {
    environment: {
      RT_TARGET_GROUP_ARN: TARGET_GROUP,
      ECS_CONTAINER_METADATA_URI_V4: `${url}/v4/drill`,
      AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2: url,
      AWS_ACCESS_KEY_ID: "drill",
      AWS_SECRET_ACCESS_KEY: "drill",
    },
    calls: () => calls,
    fail: (how) => {
      failure = how;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
