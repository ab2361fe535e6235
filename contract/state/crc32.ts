/** The CRC-32 of ISO-HDLC (as of zip and PNG), for each value of a byte. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit += 1) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  return remainder;
});

/** Returns the CRC-32 of a text in UTF-8, from 0 to 2^32-1. A lone surrogate counts as U+FFFD, as TextEncoder writes it. */
export function crc32(text: string): number {
  let crc = -1;
  const add = (byte: number): void => {
    crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] as number);
  };
  for (let index = 0; index < text.length; index += 1) {
    let code = text.charCodeAt(index);
    if (code < 0x80) {
      // Inlined: nearly all rows are ASCII, and a call for each byte takes twice the time.
      crc = (crc >>> 8) ^ (table[(crc ^ code) & 0xff] as number);
      continue;
    }
    if (code >= 0xd800 && code <= 0xdfff) {
      code = text.codePointAt(index) as number;
      if (code > 0xffff) index += 1;
      else code = 0xfffd;
    }
    // UTF-8 by hand: the engine of React Native has no TextEncoder in every version.
    if (code < 0x800) add(0xc0 | (code >> 6));
    else {
      if (code < 0x10000) add(0xe0 | (code >> 12));
      else {
        add(0xf0 | (code >> 18));
        add(0x80 | ((code >> 12) & 0x3f));
      }
      add(0x80 | ((code >> 6) & 0x3f));
    }
    add(0x80 | (code & 0x3f));
  }
  return ~crc >>> 0;
}
