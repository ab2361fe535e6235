/** What the provider uses of React Native, which an app brings along and this repository does not install. */
declare module "react-native" {
  export const AppState: import("./app-state.ts").AppStateLike;
}
