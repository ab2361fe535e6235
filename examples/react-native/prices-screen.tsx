import { RealtimeProvider, useChannel } from "@vezta/realtime-client/react-native";
import { FlatList, Text } from "react-native";

function Prices() {
  const { byMarket, status } = useChannel("market:prices", { keep: 0 });
  return (
    <FlatList
      data={[...byMarket.values()]}
      keyExtractor={({ data }) => data.marketId}
      ListHeaderComponent={<Text>{status}</Text>}
      renderItem={({ item }) => (
        <Text>
          {item.data.marketId}: YES {item.data.yes}
        </Text>
      )}
    />
  );
}

/** Disconnects 10 s after the app went to the background, and resumes in the foreground. */
export const PricesScreen = () => (
  <RealtimeProvider url="wss://realtime.example.com" user={null} anonymous graceMs={10_000}>
    <Prices />
  </RealtimeProvider>
);
