declare module "dynalite" {
  import type { Server } from "node:http";

  /** DynamoDB's API over an in-memory store; a table can be used `createTableMs` after it was made. */
  export default function dynalite(options: { readonly createTableMs?: number }): Server;
}
