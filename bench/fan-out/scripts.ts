import type { Contender, Surroundings } from "./servers/contender.ts";
import type { Topology } from "./topologies.ts";

/** Returns the handshake of every client in turn; clients with the same rooms have the same. */
export async function scriptsOf(
  contender: Contender,
  { clients, roomsOf, carries }: Topology,
  surroundings: Surroundings,
): Promise<(readonly string[])[]> {
  const scripts = new Map<string, Promise<readonly string[]>>();
  const inTurn = Array.from({ length: clients }, (_, client) => {
    const rooms = roomsOf(client);
    const name = rooms.join();
    const script = scripts.get(name) ?? Promise.resolve(contender.handshake({ rooms, carries }, surroundings));
    scripts.set(name, script);
    return script;
  });
  return Promise.all(inTurn);
}
