import "react";

declare module "react" {
  interface CSSProperties {
    /** Share of the deepest level of an order book, 0 to 1. */
    "--depth"?: number;
  }
}
