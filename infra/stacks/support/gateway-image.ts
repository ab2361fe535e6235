import { Stack } from "aws-cdk-lib";
import { Repository } from "aws-cdk-lib/aws-ecr";
import { Platform } from "aws-cdk-lib/aws-ecr-assets";
import { ContainerImage } from "aws-cdk-lib/aws-ecs";
import type { Construct } from "constructs";
import { ecrImage } from "../../config/ecr-image.ts";
import { projectRoot } from "../../our-code.ts";

/** Returns the image of a task: the given one, or `gateway/Dockerfile` built at deploy (see `.dockerignore`). */
export function gatewayImage(scope: Construct, uri: string | undefined): ContainerImage {
  if (uri === undefined) {
    return ContainerImage.fromAsset(projectRoot, {
      file: "gateway/Dockerfile",
      // The task runs on Graviton, whatever machine builds the image.
      platform: Platform.LINUX_ARM64,
    });
  }
  const image = ecrImage(uri);
  if (!image) return ContainerImage.fromRegistry(uri);
  const { account, region, repositoryName, reference } = image;
  const repositoryArn = Stack.of(scope).formatArn({
    service: "ecr",
    region,
    account,
    resource: "repository",
    resourceName: repositoryName,
  });
  // By its repository, so that the task may pull it: with its name alone the deploy would fail.
  const repository = Repository.fromRepositoryAttributes(scope, "Repository", { repositoryArn, repositoryName });
  return ContainerImage.fromEcrRepository(repository, reference);
}
