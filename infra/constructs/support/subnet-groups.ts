/** Names of the VPC's subnet groups: `public` has load balancer and NAT, `compute` tasks and functions, `data` Redis. */
export const subnetGroups = { public: "Public", compute: "Compute", data: "Data" } as const;
