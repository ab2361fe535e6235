import { type GatewayState, restartGateway } from "../development-api.ts";
import { label, timeOfDay } from "../format.ts";
import { useGateways } from "../state/use-gateways.ts";

interface GatewayRowProps extends GatewayState {
  /** True while the platform's last answer is recent. */
  readonly isCurrent: boolean;
  /** Does something to the platform and says so where it fails. */
  readonly act: (action: Promise<void>) => void;
}

function GatewayRow({ name, state, connections, restarts, isCurrent, act }: GatewayRowProps) {
  return (
    <li data-gateway={name} data-restarts={restarts}>
      <span className="name">{label(name.replace("-", " "))}</span>
      <span className="status" data-status={isCurrent ? state : "unknown"}>
        {isCurrent ? label(state) : "Unknown"}
      </span>
      <span className="muted number">{isCurrent ? `${connections} open` : "–"}</span>
      {(["drain", "kill"] as const).map((how) => (
        <button
          key={how}
          type="button"
          className="button small"
          aria-label={`${label(how)} ${name.replace("-", " ")}`}
          title={how === "drain" ? "As a deployment does" : "As a crash does"}
          disabled={!isCurrent || state !== "ready"}
          onClick={() => act(restartGateway(name, how))}
        >
          {label(how)}
        </button>
      ))}
    </li>
  );
}

/** The gateways, as long as the platform answers. The line above them says where it does not. */
export function Gateways({ act }: Pick<GatewayRowProps, "act">) {
  const { gateways, failedSince } = useGateways();
  return (
    <div className="gateways">
      {failedSince === undefined ? (
        <p className="gateways-state">{gateways ? "Gateways" : "Asking for the gateways"}</p>
      ) : (
        <p className="gateways-state loss">No answer since {timeOfDay(failedSince)}. Is npm start running?</p>
      )}
      <ul>
        {gateways?.map((gateway) => (
          <GatewayRow key={gateway.name} {...gateway} isCurrent={failedSince === undefined} act={act} />
        ))}
      </ul>
    </div>
  );
}
