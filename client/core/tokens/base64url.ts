const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * Decodes base64url to UTF-8 text, without `atob` and `TextDecoder`, which Hermes lacks.
 *
 * @throws URIError for bytes that are not UTF-8, RangeError for a character outside the alphabet
 */
export function decodeBase64Url(text: string): string {
  let escaped = "";
  let bits = 0;
  let length = 0;
  for (const character of text.replace(/=+$/, "")) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) throw new RangeError("invalid base64url character");
    bits = ((bits << 6) | value) & 0xffff;
    length += 6;
    if (length < 8) continue;
    length -= 8;
    escaped += `%${((bits >> length) & 0xff).toString(16).padStart(2, "0")}`;
  }
  return decodeURIComponent(escaped);
}
