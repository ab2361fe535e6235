import * as z from "zod";
import { anyOf, flag, positive } from "../tools/command-line.ts";
import { faultNames } from "./faults.ts";

const QUICK = { rate: 300, messages: 0 };

/** Load that two cores carry, with the managed edge's functions, database and queue on them as well. */
const FULL = { rate: 1_000, messages: 100_000 };

const usage = `npm run drill -- [options]

  --quick          every fault once, in a few minutes
  --messages N     messages in all; every fault strikes as often as it takes (default ${FULL.messages})
  --rate N         messages a second (default ${FULL.rate}, with --quick ${QUICK.rate})
  --faults a,b     only these, in this order: ${faultNames.join(", ")}
  --json FILE      writes the rows there as well
  --markdown FILE  writes the table there as docs/delivery.md has it
`;

const optionsSchema = z.object({
  quick: flag,
  messages: positive.optional(),
  rate: positive.optional(),
  faults: anyOf(faultNames),
  json: z.string().optional(),
  markdown: z.string().optional(),
});

/** The command line of the drill. */
export const command = {
  usage,
  texts: ["messages", "rate", "faults", "json", "markdown"],
  flags: ["quick"],
  schema: optionsSchema.transform(({ quick, ...options }) => {
    const { rate, messages } = quick ? QUICK : FULL;
    return { ...options, rate: options.rate ?? rate, messages: options.messages ?? messages };
  }),
};
