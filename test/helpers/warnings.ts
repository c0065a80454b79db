export interface Warning {
  readonly code: string | undefined;
  readonly message: string;
}

/** The process warnings from here on. Jest's `process` is a copy on which 'warning' never comes up, so they are seen on their way. */
export function recordWarnings(): Warning[] {
  const warnings: Warning[] = [];
  const { emitWarning } = process;
  process.emitWarning = ((message: string | Error, options?: { code?: string }) => {
    warnings.push({ code: options?.code, message: String(message) });
  }) as typeof emitWarning;
  return warnings;
}
