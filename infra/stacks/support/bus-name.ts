/** Returns the name of an environment's bus. Not generated, since producers in other accounts and repositories need it. */
export const busName = (environmentName: string): string => `${environmentName}-realtime`;
