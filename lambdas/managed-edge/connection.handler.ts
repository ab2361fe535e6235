import { edgeEnvironment, parseEnvironment } from "../../contract/server/env.ts";
import { createConnection } from "./connection.ts";
import { openTable } from "./open-table.ts";

const { RT_EDGE_TABLE } = parseEnvironment(edgeEnvironment.pick({ RT_EDGE_TABLE: true }), process.env);

export const handler = createConnection(openTable(RT_EDGE_TABLE).connections);
