import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** Name and value of each cookie that was set, as a client sends them back. */
  readonly cookies: readonly string[];
}

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** A keep-alive connection that carries one request at a time: no more of HTTP/1.1 than the servers here speak. */
export class Connection {
  readonly #socket: Socket;
  #text = '';
  #waiting: Waiting | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('data', (chunk: string) => this.#take(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Connection(socket);
  }

  get busy(): boolean {
    return this.#waiting !== undefined;
  }

  send(request: string): Promise<Answer> {
    if (this.busy) throw new Error('the connection is busy');
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(request, 'latin1');
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: string): void {
    this.#text += chunk;
    const headEnd = this.#text.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    const head = this.#text.slice(0, headEnd);
    const length = /\ncontent-length: (\d+)/i.exec(head)?.[1];
    if (length === undefined) {
      this.#fail(new Error(`an answer without a length:\n${head}`));
      return;
    }
    const end = headEnd + 4 + Number(length);
    if (this.#text.length < end) return;
    const body = this.#text.slice(headEnd + 4, end);
    this.#text = this.#text.slice(end);
    const cookies = [...head.matchAll(/\nset-cookie: ([^;\r]*)/gi)].map(([, pair = '']) => pair);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve({ status: Number(head.slice(9, 12)), body, cookies });
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}

/** Runs a task with each of so many connections to a port, and closes them. */
export async function withConnections<Result>(
  port: number,
  count: number,
  task: (connections: readonly Connection[]) => Promise<Result>,
): Promise<Result> {
  const connections = await Promise.all(Array.from({ length: count }, () => Connection.open(port)));
  try {
    return await task(connections);
  } finally {
    for (const connection of connections) connection.close();
  }
}
