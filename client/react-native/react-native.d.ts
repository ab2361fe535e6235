/** Declares the part of React Native that the provider uses. Apps install it; this repository does not. */
declare module "react-native" {
  export const AppState: import("./app-state.ts").AppStateLike;
}
