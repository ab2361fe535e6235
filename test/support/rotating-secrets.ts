import { randomUUID } from "node:crypto";
import * as z from "zod";
import { startServiceEndpoint } from "./service-endpoint.ts";

interface Version {
  readonly stages: Set<string>;
  value?: string;
}

type Versions = Map<string, Version>;

/** An error of Secrets Manager, by the name that its clients know. */
class ServiceError extends Error {}

const requestSchema = z.looseObject({
  SecretId: z.string(),
  VersionId: z.string().optional(),
  VersionStage: z.string().default("AWSCURRENT"),
});
const putSchema = z.object({
  ClientRequestToken: z.string(),
  SecretString: z.string(),
  VersionStages: z.array(z.string()),
});
const moveSchema = z.object({ MoveToVersionId: z.string(), RemoveFromVersionId: z.string().optional() });

/** Invokes a rotation function with an event. */
export type InvokeRotation = (event: unknown) => Promise<unknown>;

/** How often a rotation is tried; Secrets Manager does not say how often it does. */
const ATTEMPTS = 2;

const STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/**
 * The part of AWS Secrets Manager that a rotation uses, over its real protocol: versions with labels, and the rotation
 * itself, with the rules of
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html and of the API reference
 * of PutSecretValue, UpdateSecretVersionStage and RotateSecret.
 */
export class RotatingSecrets {
  readonly #secrets = new Map<string, Versions>();
  /** Called after each request is carried out and before it is answered. */
  afterRequest: (operation: string) => Promise<void> = () => Promise.resolve();
  /** The reads of the version in use, by secret. */
  readonly reads = new Map<string, number>();

  add(arn: string, value: string): void {
    this.#secrets.set(arn, new Map([[randomUUID(), { stages: new Set(["AWSCURRENT"]), value }]]));
  }

  /** Returns the value of the version with a label. */
  valueOf(arn: string, stage = "AWSCURRENT"): string | undefined {
    return this.#find(arn, stage)?.[1].value;
  }

  /** Rotates once, and repeats the rotation from its first step where one fails, as Secrets Manager does. */
  async rotate(arn: string, invoke: InvokeRotation): Promise<void> {
    const ClientRequestToken = this.beginRotation(arn);
    for (let attempt = 1; ; attempt += 1) {
      try {
        for (const Step of STEPS) await invoke({ Step, SecretId: arn, ClientRequestToken });
        return;
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Returns the version that a rotation leads to: a new one, or that of a rotation that has not come to its end. */
  beginRotation(arn: string): string {
    const pending = this.#find(arn, "AWSPENDING");
    if (pending && !pending[1].stages.has("AWSCURRENT")) return pending[0];
    pending?.[1].stages.delete("AWSPENDING");
    const token = randomUUID();
    this.#versionsOf(arn).set(token, { stages: new Set(["AWSPENDING"]) });
    return token;
  }

  /** Starts the endpoint. `environment` points the AWS SDK to it. */
  async start(): Promise<{ readonly environment: Readonly<Record<string, string>>; stop(): void }> {
    const { url, stop } = await startServiceEndpoint(async ({ headers }, body) => {
      const operation = String(headers["x-amz-target"]).replace("secretsmanager.", "");
      const answer = this.#carryOut(operation, requestSchema.parse(JSON.parse(body)));
      await this.afterRequest(operation);
      const type = "application/x-amz-json-1.1";
      return "error" in answer
        ? { status: 400, type, body: JSON.stringify({ __type: answer.error, Message: answer.error }) }
        : { status: 200, type, body: JSON.stringify(answer.result) };
    });
    return { environment: { AWS_ENDPOINT_URL_SECRETS_MANAGER: url }, stop };
  }

  #carryOut(operation: string, request: z.infer<typeof requestSchema>): { result: object } | { error: string } {
    try {
      return { result: this.#operate(operation, request) };
    } catch (error) {
      if (error instanceof ServiceError) return { error: error.message };
      throw error;
    }
  }

  #operate(operation: string, request: z.infer<typeof requestSchema>): object {
    const versions = this.#versionsOf(request.SecretId);
    switch (operation) {
      case "GetSecretValue":
        return this.#get(request);
      case "DescribeSecret": {
        const stages = [...versions].map(([id, version]) => [id, [...version.stages]]);
        return { ARN: request.SecretId, RotationEnabled: true, VersionIdsToStages: Object.fromEntries(stages) };
      }
      case "PutSecretValue":
        return this.#put(request.SecretId, putSchema.parse(request));
      case "UpdateSecretVersionStage":
        return this.#makeCurrent(request.SecretId, moveSchema.parse(request));
      default:
        throw new Error(`the local Secrets Manager does not know ${operation}`);
    }
  }

  #get({ SecretId, VersionId, VersionStage }: z.infer<typeof requestSchema>): object {
    const [id, version] = this.#find(SecretId, VersionStage) ?? [];
    if (version?.value === undefined || (VersionId !== undefined && VersionId !== id)) {
      throw new ServiceError("ResourceNotFoundException");
    }
    if (VersionId === undefined) this.reads.set(SecretId, (this.reads.get(SecretId) ?? 0) + 1);
    return { ARN: SecretId, VersionId: id, SecretString: version.value, VersionStages: [...version.stages] };
  }

  #put(arn: string, { ClientRequestToken, SecretString, VersionStages }: z.infer<typeof putSchema>): object {
    const version = this.#versionsOf(arn).get(ClientRequestToken) ?? { stages: new Set<string>() };
    if (version.value !== undefined && version.value !== SecretString) {
      throw new ServiceError("ResourceExistsException");
    }
    version.value = SecretString;
    for (const stage of VersionStages) version.stages.add(stage);
    this.#versionsOf(arn).set(ClientRequestToken, version);
    return { ARN: arn, VersionId: ClientRequestToken };
  }

  #makeCurrent(arn: string, { MoveToVersionId, RemoveFromVersionId }: z.infer<typeof moveSchema>): object {
    const current = this.#find(arn, "AWSCURRENT");
    const next = this.#versionsOf(arn).get(MoveToVersionId);
    if (!next || current?.[0] !== RemoveFromVersionId) throw new ServiceError("InvalidParameterException");
    for (const { stages } of this.#versionsOf(arn).values()) stages.delete("AWSPREVIOUS");
    current?.[1].stages.delete("AWSCURRENT");
    current?.[1].stages.add("AWSPREVIOUS");
    next.stages.add("AWSCURRENT");
    return { ARN: arn };
  }

  #versionsOf(arn: string): Versions {
    const versions = this.#secrets.get(arn);
    if (!versions) throw new ServiceError("ResourceNotFoundException");
    return versions;
  }

  #find(arn: string, stage: string): [string, Version] | undefined {
    return [...this.#versionsOf(arn)].find(([, { stages }]) => stages.has(stage));
  }
}
