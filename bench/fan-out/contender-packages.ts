import { join } from "node:path";
import { installPackages } from "../../local/install-packages.ts";

/** The folder of the packages that only this comparison needs. */
export const CONTENDERS = join(import.meta.dirname, "../contenders");

/**
 * Installs the packages of the servers compared, where they are not there yet.
 *
 * @throws Error with what npm wrote.
 */
export const installContenders = (onProgress: (text: string) => void): Promise<void> =>
  installPackages(CONTENDERS, "installing the packages of the servers compared (once, about 270 MB)", onProgress);
