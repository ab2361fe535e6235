export const mayImport: Readonly<Record<string, readonly string[]>>;
export const floors: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
