import { AppRegistry } from "react-native";
import { PricesScreen } from "./prices-screen";

AppRegistry.registerComponent("example", () => PricesScreen);
