const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * Reads the UTF-8 text in base64url, also where the platform has neither `atob` nor `TextDecoder` (Hermes).
 *
 * @throws URIError for bytes that are no UTF-8, RangeError for characters that are not of base64url
 */
export function decodeBase64Url(text: string): string {
  let escaped = "";
  let bits = 0;
  let length = 0;
  for (const character of text.replace(/=+$/, "")) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) throw new RangeError("a character is not of base64url");
    bits = ((bits << 6) | value) & 0xffff;
    length += 6;
    if (length < 8) continue;
    length -= 8;
    escaped += `%${((bits >> length) & 0xff).toString(16).padStart(2, "0")}`;
  }
  return decodeURIComponent(escaped);
}
