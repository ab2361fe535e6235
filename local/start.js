/**
 * `npm start`. In JavaScript, so that a Node that cannot run TypeScript says so and what to do, and no stack trace: it
 * is the system's, where `npm ci` was kept from putting the repository's own into node_modules.
 */
const canRunTypeScript = Boolean(process.features.typescript);

if (canRunTypeScript) await import("./main.ts");
else {
  console.error(
    `cannot start: Node ${process.versions.node} (${process.execPath}) does not run TypeScript, which takes Node 22.18 or newer.\n` +
      "npm ci installs such a Node into node_modules, unless install scripts are switched off. Either let it:\n" +
      "  npm rebuild node --ignore-scripts=false && npm start\n" +
      "or install Node 24 and start again.",
  );
  process.exitCode = 1;
}
