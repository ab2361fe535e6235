/** An image in a private ECR registry. */
export interface EcrImage {
  readonly account: string;
  readonly region: string;
  readonly repositoryName: string;
  /** Tag or digest. */
  readonly reference: string;
}

const ECR =
  /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com\/([a-z0-9._/-]+?)(?::([\w.-]+)|@(sha256:[0-9a-f]{64}))?$/;

/** Parses the name of an image. Returns undefined if it is not in a private ECR registry. */
export function ecrImage(uri: string): EcrImage | undefined {
  const [, account, region, repositoryName, tag, digest] = ECR.exec(uri) ?? [];
  if (!account || !region || !repositoryName) return undefined;
  return { account, region, repositoryName, reference: digest ?? tag ?? "latest" };
}
