import type { ChildProcess } from "node:child_process";

/** A gateway image, or what its Dockerfile makes of a folder, ready to be started. */
export interface BuiltImage {
  /** How it was built and is started, for people. */
  readonly how: string;
  /** Size of the layers that the Dockerfile adds to its base. */
  readonly ownBytes: number;
  /** Size of everything, where a base image is part of it. */
  readonly totalBytes?: number;
  /** Starts the image's command with its user and environment, and `environment` on top. */
  start(environment: Readonly<Record<string, string>>): Promise<StartedImage>;
  /** Removes what the build left behind. */
  remove(): Promise<void>;
}

export interface StartedImage {
  /** Its output and its end are those of the image's command. */
  readonly process: ChildProcess;
  /** Sends a signal to the image's command itself. */
  signal(name: NodeJS.Signals): void;
}

/** Something that a build or a start needs is missing or failed; the message says what. */
export class ImageError extends Error {
  override readonly name = "ImageError";
}
