import * as z from "zod";
import { integer } from "./integer.ts";
import { PLANNED_ZONES } from "./zones.ts";

/** The VPC: addresses, zones and the way out. */
export const networkSchema = z.strictObject({
  cidr: z
    .cidrv4("must be an IPv4 range, such as 10.20.0.0/16")
    .regex(/\/(16|17|18|19)$/, "must be of size /16 to /19, such as 10.20.0.0/16")
    .default("10.20.0.0/16")
    .describe(
      "The address range of the VPC. Change it if the VPC is to be peered with one of the same range. Cost: none.",
    ),
  availabilityZones: integer(2, PLANNED_ZONES)
    .default(2)
    .describe(
      "The number of availability zones in use. A load balancer needs two; the address plan has room for six. Cost: public addresses, $3.65 each.",
    ),
  zones: z
    .array(
      z
        .string()
        .regex(
          /^([a-z]+[0-9]-az[0-9]+|[a-z]{2}(-[a-z]+)+-[0-9][a-z])$/,
          "must be a zone such as use1-az4 or us-east-1a",
        ),
    )
    .min(2)
    .max(PLANNED_ZONES)
    .optional()
    .describe(
      "The zones, as ids (the same in every account) or names; the first availabilityZones of them are used. None: zones of the region that have every service in use. Only add at the end: a subnet keeps its zone. Cost: none.",
    ),
  egress: z
    .enum(["nat-instance", "nat-gateway", "endpoints"], "must be nat-instance, nat-gateway or endpoints")
    .default("nat-instance")
    .describe(
      "How tasks and functions reach AWS and the token issuer's keys. A NAT instance is the cheapest and is not redundant; endpoints give no access to the internet, so auth.jwks must be set. Cost a month: instance $10, gateway $37 and $0.045 a GB, endpoints $37 a zone, $44 with gateways.",
    ),
  natDevices: integer(1, 6)
    .default(1)
    .describe(
      "The number of NAT instances or gateways. One per zone survives the loss of a zone. Cost: each as under egress.",
    ),
});
