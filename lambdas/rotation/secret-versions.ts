import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import { requestSignal } from "../../kernel/aws/bounded-requests.ts";

/** The label of the version that everybody uses, and that of the version that a rotation is about to put in its place. */
const CURRENT = "AWSCURRENT";
const PENDING = "AWSPENDING";

/** The versions of one secret whose value is a password. Secrets Manager names a version by its request's token. */
export class SecretVersions {
  readonly arn: string;
  readonly #client: SecretsManagerClient;

  constructor(client: SecretsManagerClient, arn: string) {
    this.#client = client;
    this.arn = arn;
  }

  /**
   * Returns whether a version is still to be rotated to, or in use already.
   *
   * @throws Error where it is neither, or the secret is not to be rotated.
   */
  async stateOf(version: string): Promise<"pending" | "current"> {
    const { RotationEnabled, VersionIdsToStages } = await this.#describe();
    if (!RotationEnabled) throw new Error(`secret ${this.arn} has no rotation: its schedule is missing`);
    const stages = VersionIdsToStages?.[version] ?? [];
    if (stages.includes(CURRENT)) return "current";
    if (stages.includes(PENDING)) return "pending";
    throw new Error(`secret ${this.arn}: version ${version} is not ${PENDING}, so no rotation to it is under way`);
  }

  /** Returns the password in use. */
  async readCurrent(): Promise<string> {
    const password = await this.#read({ VersionStage: CURRENT });
    if (!password) throw new Error(`secret ${this.arn} has no value in its version ${CURRENT}`);
    return password;
  }

  /** Returns the password of a pending version, or undefined where none has been stored yet. */
  async findPending(version: string): Promise<string | undefined> {
    try {
      return await this.#read({ VersionId: version, VersionStage: PENDING });
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  }

  async readPending(version: string): Promise<string> {
    const password = await this.findPending(version);
    if (!password) throw new Error(`secret ${this.arn}: version ${version} has no value; createSecret comes first`);
    return password;
  }

  async putPending(version: string, password: string): Promise<void> {
    const input = { SecretId: this.arn, ClientRequestToken: version, SecretString: password, VersionStages: [PENDING] };
    await this.#client.send(new PutSecretValueCommand(input), requestSignal());
  }

  /** Makes the pending version the one in use. The one in use until now gets the label AWSPREVIOUS from AWS. */
  async makeCurrent(version: string): Promise<void> {
    const { VersionIdsToStages = {} } = await this.#describe();
    const [current] = Object.entries(VersionIdsToStages).find(([, stages]) => stages.includes(CURRENT)) ?? [];
    const input = {
      SecretId: this.arn,
      VersionStage: CURRENT,
      MoveToVersionId: version,
      RemoveFromVersionId: current,
    };
    await this.#client.send(new UpdateSecretVersionStageCommand(input), requestSignal());
  }

  #describe() {
    return this.#client.send(new DescribeSecretCommand({ SecretId: this.arn }), requestSignal());
  }

  async #read(version: { readonly VersionId?: string; readonly VersionStage: string }): Promise<string | undefined> {
    const command = new GetSecretValueCommand({ SecretId: this.arn, ...version });
    return (await this.#client.send(command, requestSignal())).SecretString;
  }
}
