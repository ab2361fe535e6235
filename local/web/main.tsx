import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { fetchConfig } from "./development-api.ts";
import "./styles/index.css";

function Starting() {
  return (
    <main className="failure starting">
      <p>Asking the platform what there is …</p>
    </main>
  );
}

function Failure({ error }: { readonly error: unknown }) {
  return (
    <main className="failure" role="alert">
      <h1>The page cannot start</h1>
      <p>{error instanceof Error ? error.message : String(error)}</p>
      <button type="button" className="button primary" onClick={() => location.reload()}>
        Try again
      </button>
    </main>
  );
}

const container = document.getElementById("root");
if (!container) throw new Error("index.html has no #root");
const root = createRoot(container);

root.render(<Starting />);
try {
  const config = await fetchConfig();
  root.render(
    <StrictMode>
      <App config={config} />
    </StrictMode>,
  );
} catch (error) {
  root.render(<Failure error={error} />);
}
