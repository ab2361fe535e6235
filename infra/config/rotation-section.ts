import * as z from "zod";
import { integer } from "./integer.ts";

export const rotationSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe(
      "Rotates the passwords of all Redis users on a schedule, without a gap. Off, since a trial ends before a rotation pays; a lasting environment should have it. Cost: none to speak of; with egress endpoints one for ElastiCache, $7 a month and zone.",
    ),
  everyDays: integer(1, 365)
    .default(30)
    .describe("The days between two rotations. A password is valid until the rotation after its own. Cost: none."),
});
