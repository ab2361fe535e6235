import { once } from "node:events";
import { afterEach, expect, it } from "vitest";
import { launchGateway } from "../../local/gateway.ts";
import { createIssuer } from "../../local/issuer.ts";
import { startSecretsManager } from "../../tools/infra-report/secrets-manager.ts";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

it("a gateway that cannot read its password ends at once and says which secret it is, so that a deployment fails", async () => {
  const secretsManager = await startSecretsManager({});
  cleanUps.push(() => secretsManager.stop());
  const arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:missing";
  const issuer = await createIssuer();

  const gateway = await launchGateway({
    ...issuer.env,
    ...secretsManager.environment,
    RT_REDIS_URL: "redis://127.0.0.1:1",
    RT_REDIS_SECRET_ARN: arn,
  });
  cleanUps.push(() => gateway.process.kill("SIGKILL"));
  const [code] = await once(gateway.process, "exit");

  expect(code).toBe(1);
  expect(gateway.log()).toContain("cannot read the Redis password");
  expect(gateway.log()).toContain(`secret ${arn} cannot be read: ResourceNotFoundException`);
});
