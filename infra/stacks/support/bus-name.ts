import type { EnvironmentConfig } from "../../config/config.ts";

/** The bus's name. Given and not made up, since producers in other accounts and repositories have to know it. */
export const busName = ({ name }: Pick<EnvironmentConfig, "name">): string => `${name}-realtime`;
