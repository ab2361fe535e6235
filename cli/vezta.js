#!/usr/bin/env node
/** `npx vezta`. In JavaScript, so that a Node that cannot run TypeScript says so and what to do, and no stack trace. */
if (process.features.typescript) await import("./main.ts");
else {
  process.stderr.write(
    `vezta: Node ${process.versions.node} (${process.execPath}) does not run TypeScript, which takes Node 22.18 or newer.\n` +
      "Install Node 24, or let npm install the repository's own: npm rebuild node --ignore-scripts=false\n",
  );
  process.exitCode = 1;
}
