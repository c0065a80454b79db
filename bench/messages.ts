import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** The next message of a process; rejects if it ends instead. */
export async function messageOf<Message>(child: ChildProcess): Promise<Message> {
  const settled = new AbortController();
  const end = once(child, 'exit', { signal: settled.signal }).then(([code]) => {
    throw new Error(`${child.spawnargs.join(' ')} ended with ${code}`);
  });
  // It is an error only as long as a message is awaited.
  end.catch(() => {});
  try {
    const [message] = await Promise.race([once(child, 'message', { signal: settled.signal }), end]);
    return message as Message;
  } finally {
    settled.abort();
  }
}
