import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import * as z from "zod";

/** Stands in for AWS Secrets Manager, which cannot run here: it answers GetSecretValue over the real protocol. */
export interface SecretsManager {
  /** Variables that point the AWS SDK to it. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): void;
}

const request = z.object({ SecretId: z.string() });

export async function startSecretsManager(secrets: Readonly<Record<string, string>>): Promise<SecretsManager> {
  const server = createServer(async (incoming, response) => {
    const { SecretId } = request.parse(JSON.parse(await text(incoming)));
    const known =
      incoming.headers["x-amz-target"] === "secretsmanager.GetSecretValue" && Object.hasOwn(secrets, SecretId);
    response.writeHead(known ? 200 : 400, { "content-type": "application/x-amz-json-1.1" });
    const answer = known ? { ARN: SecretId, SecretString: secrets[SecretId] } : { __type: "ResourceNotFoundException" };
    response.end(JSON.stringify(answer));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A server on a port has an address with one.
  const { port } = server.address() as AddressInfo;
  return {
    environment: {
      AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${port}`,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
    },
    stop: () => server.close(),
  };
}
