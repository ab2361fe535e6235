import { quote, Refusal } from "./refusal.ts";
import { canonical } from "./schemas.ts";

/** Schemes of the apps that a notification may link into. An app with another scheme is one more entry. */
export const appSchemes: readonly string[] = ["vezta"];

const MAXIMUM_LENGTH = 2_000;

const SPACES_AND_CONTROLS = /[\s\p{Cc}\p{Cs}]/u;

const SCHEMES = ["https", ...appSchemes];

function readLink(value: unknown): string | Refusal {
  if (typeof value !== "string") return new Refusal("must be text");
  if (value.length > MAXIMUM_LENGTH) {
    return new Refusal(`has ${value.length} characters: at most ${MAXIMUM_LENGTH} are allowed`);
  }
  if (SPACES_AND_CONTROLS.test(value)) return new Refusal("has spaces or control characters: percent-encode them");
  // A browser takes // and /\ for the beginning of another site's address.
  if (/^\/(?![/\\])/.test(value)) return value;
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value)?.[1]?.toLowerCase();
  if (scheme !== undefined && SCHEMES.includes(scheme)) return value;
  return new Refusal(
    `${quote(value)} is no link: it starts with / (a path of the app), ${SCHEMES.map((each) => `${each}://`).join(" or ")}`,
  );
}

/** Target of a tap: a path of the app, an https address, or an address of one of {@link appSchemes}. */
export const link = canonical<string>(
  `a path that starts with \`/\`, or an address with ${SCHEMES.map((each) => `\`${each}://\``).join(", ")}; at most ` +
    `${MAXIMUM_LENGTH} characters`,
  readLink,
);

/** The address of a page: http or https. */
export const webAddress = canonical<string>(
  `an \`http://\` or \`https://\` address, at most ${MAXIMUM_LENGTH} characters`,
  (value) => {
    const isAddress = typeof value === "string" && value.length <= MAXIMUM_LENGTH && /^https?:\/\//i.test(value);
    if (isAddress && URL.canParse(value)) return value;
    return new Refusal(
      `${quote(value)} is no address of at most ${MAXIMUM_LENGTH} characters with http:// or https://`,
    );
  },
);
