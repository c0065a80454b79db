/** What an act throws or rejects with, as the page quotes it. */
export async function errorOf(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    return quoted(error);
  }
  throw new Error('nothing went wrong');
}

export function quoted(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  return `${code ?? name} ${message}`;
}
