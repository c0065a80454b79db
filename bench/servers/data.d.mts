export function sessionData(bytes: number, keys?: number): Record<string, unknown>;
export const LOGIN: Record<string, unknown>;
