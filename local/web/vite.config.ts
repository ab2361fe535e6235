import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Address of `npm start`, for `npx vite local/web`: the page with hot reloading in front of a running platform. */
const PLATFORM = "http://localhost:3000";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: { target: "es2023", emptyOutDir: true, chunkSizeWarningLimit: 800 },
  server: { proxy: { "/dev": PLATFORM, "/socket.io": { target: PLATFORM, ws: true } } },
});
