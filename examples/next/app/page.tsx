import { RealtimeProvider } from "@vezta/realtime-client/react";
import { Price } from "./price";

// Rendered on the server for each request; the connection is opened in the browser.
export const dynamic = "force-dynamic";

/**
 * A Server Component: the provider's own "use client" begins the client's part. A token as a function cannot pass from
 * server to browser: for private channels put the provider into a file with "use client".
 */
export default function Page() {
  return (
    <RealtimeProvider url="wss://realtime.example.com" user={null} anonymous>
      <Price marketId="m1" />
    </RealtimeProvider>
  );
}
