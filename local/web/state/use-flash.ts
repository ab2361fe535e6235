import { type RefObject, useLayoutEffect, useRef } from "react";

/** A flash is left to its end: a price that moves all the time would otherwise only glow. In ms, as in the style sheet. */
const FLASH_MS = 700;

/**
 * Lets an element flash where its number goes up or down. Written to the element directly: a flash is no state that
 * React would have to render. The style sheet decides what is seen, and shows no motion to those who asked for none.
 */
export function useFlash(value: string | undefined): RefObject<HTMLElement | null> {
  const element = useRef<HTMLElement>(null);
  const before = useRef(value);
  const flashedAt = useRef(0);
  useLayoutEffect(() => {
    const [last, { current }] = [before.current, element];
    before.current = value;
    if (!current || value === undefined || last === undefined || value === last) return;
    current.dataset.direction = Number(value) > Number(last) ? "up" : "down";
    const now = performance.now();
    if (now - flashedAt.current < FLASH_MS) return;
    flashedAt.current = now;
    // Two animations that look the same: a change of name is what starts one again.
    current.dataset.flash = current.dataset.flash === "a" ? "b" : "a";
  }, [value]);
  return element;
}
