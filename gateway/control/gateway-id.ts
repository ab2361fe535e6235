import { hostname } from "node:os";

/** On Fargate the metadata's path ends with the container's id: `<task id>-<number>`. */
const TASK_ID = /\/v4\/([0-9a-f]{32})-/;

/**
 * Names this gateway for operators: by its ECS task id, else by host and process.
 *
 * @param metadataUri the value of `ECS_CONTAINER_METADATA_URI_V4`.
 */
export const createGatewayId = (metadataUri: string | undefined): string =>
  TASK_ID.exec(metadataUri ?? "")?.[1] ?? `${hostname()}-${process.pid}`;
