import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const ATTEMPTS = 240;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("the system gave no port");
  return address.port;
}

async function fetchOnceUp(url: string): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
      return await answer.text();
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await delay(250);
    }
  }
}

/** Starts `next start` in a folder that was built and returns the page as the server renders it. */
export async function renderOnServer(folder: string): Promise<string> {
  const port = await freePort();
  const next = join(folder, "node_modules/next/dist/bin/next");
  const server = spawn(process.execPath, [next, "start", "-p", String(port), "-H", "127.0.0.1"], {
    cwd: folder,
    stdio: "ignore",
  });
  const exited = once(server, "exit");
  try {
    return await fetchOnceUp(`http://127.0.0.1:${port}/`);
  } finally {
    server.kill();
    await exited;
  }
}
