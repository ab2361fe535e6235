import { edgeEnvironment, parseEnvironment } from "../../../kernel/env.ts";
import { openTable } from "../table/open-table.ts";
import { createConnectionHandler } from "./connection.ts";

const { RT_EDGE_TABLE } = parseEnvironment(edgeEnvironment.pick({ RT_EDGE_TABLE: true }), process.env);

export const handler = createConnectionHandler(openTable(RT_EDGE_TABLE).connections);
