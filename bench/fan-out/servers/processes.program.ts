import cluster from "node:cluster";

const [program, count, port] = process.argv.slice(2);
// Of an inspector's port `cluster` makes one for each process by counting up, which it cannot do from "any".
const execArgv = process.execArgv.filter((value) => !value.startsWith("--inspect"));
cluster.setupPrimary({ exec: program ?? "", execArgv });
let listening = 0;
cluster.on("listening", (_worker, address) => {
  // A gateway tries its way of writing on another port first.
  if (address.port !== Number(port)) return;
  listening += 1;
  if (listening === Number(count)) console.log("ready");
});
cluster.on("exit", () => process.exit(1));
for (let index = 0; index < Number(count); index += 1) cluster.fork();
// The others end as this one is gone.
process.on("SIGTERM", () => process.exit(0));
