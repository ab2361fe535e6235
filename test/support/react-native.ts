import type { AppState as ReactNativeAppState } from "react-native";

// React Native for the web: the same interface, and the document's visibility stands for the state of the app.
const { default: webAppState } = await import("react-native-web/dist/exports/AppState/index.js" as string);

/** `AppState` of `react-native`, which vitest.config.ts resolves to this file. */
export const AppState: typeof ReactNativeAppState = webAppState;
