import { randomInt } from "node:crypto";
import * as z from "zod";
import type { RedisUser } from "./redis-user.ts";
import type { SecretVersions } from "./secret-versions.ts";

/** The steps of a rotation, as Secrets Manager invokes the function for them, one after the other. */
const stepNames = ["createSecret", "setSecret", "testSecret", "finishSecret"] as const;

type Step = (typeof stepNames)[number];

const rotationEvent = z.object({
  Step: z.enum(stepNames),
  SecretId: z.string(),
  /** The version that is rotated to. The same in each step, and in each repetition of the rotation. */
  ClientRequestToken: z.string(),
});

interface RotationOptions {
  readonly secret: SecretVersions;
  readonly user: Pick<RedisUser, "setPasswords">;
  /** Rejects where Redis does not accept the password on every node. */
  readonly tryPassword: (password: string) => Promise<void>;
  readonly onStep: (step: Step | "done already") => void;
}

/** ElastiCache takes 16 to 128 characters. Letters and digits alone: some clients put passwords into URLs. */
const PASSWORD_LENGTH = 64;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

const generatePassword = (): string =>
  Array.from({ length: PASSWORD_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");

/**
 * Creates the handler that rotates the password of one Redis user, without a moment in which a password that somebody may
 * use is refused. The user has the password in use and the new one from `setSecret` on; consumers read the new one from
 * `finishSecret` on, within minutes. The old one stays valid until `setSecret` of the next rotation replaces it.
 *
 * Each step may be repeated, and the whole rotation too: Secrets Manager does so where the function failed or was ended.
 */
export function createRotation({ secret, user, tryPassword, onStep }: RotationOptions) {
  const steps: Readonly<Record<Step, (version: string) => Promise<void>>> = {
    async createSecret(version) {
      if ((await secret.findPending(version)) === undefined) await secret.putPending(version, generatePassword());
    },
    async setSecret(version) {
      await user.setPasswords([await secret.readCurrent(), await secret.readPending(version)]);
    },
    async testSecret(version) {
      await tryPassword(await secret.readPending(version));
    },
    async finishSecret(version) {
      // Once more: a deploy of the user in between sets its passwords to the one in use alone.
      await tryPassword(await secret.readPending(version));
      await secret.makeCurrent(version);
    },
  };
  return async (event: unknown): Promise<void> => {
    const { Step: step, SecretId, ClientRequestToken: version } = rotationEvent.parse(event);
    if (SecretId !== secret.arn) throw new Error(`this function rotates ${secret.arn}, not ${SecretId}`);
    // A repetition of a rotation that had got to its end.
    if ((await secret.stateOf(version)) === "current") return onStep("done already");
    await steps[step](version);
    onStep(step);
  };
}
