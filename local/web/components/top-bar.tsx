import { useAtom } from "jotai";
import { label } from "../format.ts";
import { usePage } from "../state/page-context.ts";
import { edgeAtom, type Theme, userAtom } from "../state/session.ts";
import { useConnection } from "../state/use-connection.ts";
import { Choice } from "./choice.tsx";

const EDGES = [
  { value: "gateway", label: "Gateway" },
  { value: "managed", label: "Managed edge" },
] as const;

interface TopBarProps {
  readonly theme: Theme;
  readonly onToggleTheme: () => void;
}

function Session() {
  const { config } = usePage();
  const [user, setUser] = useAtom(userAtom);
  const options = [{ value: "", label: "Guest" }, ...config.users.map((name) => ({ value: name, label: label(name) }))];
  return (
    <Choice
      label="Signed in as"
      options={options}
      value={user ?? ""}
      onChange={(name) => setUser(name === "" ? null : name)}
    />
  );
}

/** Shows the settings of the whole page: connection, edge, user, theme. */
export function TopBar({ theme, onToggleTheme }: TopBarProps) {
  const [edge, setEdge] = useAtom(edgeAtom);
  const { status, text } = useConnection();
  return (
    <header className="top-bar">
      <h1>
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M5 19h5l3-9 5 14 4-10 2 5h3" />
        </svg>
        Vezta <span>Realtime</span>
      </h1>
      <output className="connection" data-status={status}>
        {text}
      </output>
      <Choice label="Edge" options={EDGES} value={edge} onChange={setEdge} />
      <Session />
      <button
        type="button"
        className="button icon"
        aria-label={theme === "dark" ? "Switch to the light theme" : "Switch to the dark theme"}
        onClick={onToggleTheme}
      >
        <svg viewBox="0 0 24 24" aria-hidden="true">
          {theme === "dark" ? (
            <path d="M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10Zm0-5v2m0 16v2M2 12h2m16 0h2M4.9 4.9l1.4 1.4m11.4 11.4 1.4 1.4m0-14.2-1.4 1.4M6.3 17.7l-1.4 1.4" />
          ) : (
            <path d="M20 14.5A8 8 0 0 1 9.5 4a8 8 0 1 0 10.5 10.5Z" />
          )}
        </svg>
      </button>
    </header>
  );
}
