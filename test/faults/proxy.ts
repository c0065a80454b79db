import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';

const SUBSCRIBE = /^subscribe\r$/im;

/**
 * A TCP proxy on 127.0.0.1 that can fail like a network: swallow what goes one way without a word, be slow, and cut what
 * is connected.
 */
export class FaultyProxy {
  /** Bytes to the server are swallowed: it never hears of them. */
  swallowRequests = false;
  /** Bytes from the server are swallowed: it has carried out what nobody hears of. */
  swallowReplies = false;
  /** Bytes to who has subscribed to something are swallowed: nobody hears what is published. */
  swallowMessages = false;
  /** Connections that are made now are taken and never answered. `heal` ends them. */
  hangNew = false;
  /** How much later bytes from the server arrive, in milliseconds. */
  replyDelay = 0;
  readonly #pairs = new Set<[Socket, Socket]>();
  readonly #hanging = new Set<Socket>();
  readonly #server: Server;

  private constructor(target: number) {
    this.#server = createServer((client) => this.#connect(client, target));
  }

  static async start(target: number): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends all connections at once, whatever is under way. New ones are taken. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  /** Lets everything through again. */
  heal(): void {
    this.swallowRequests = false;
    this.swallowReplies = false;
    this.swallowMessages = false;
    this.hangNew = false;
    for (const client of this.#hanging) client.destroy();
    this.replyDelay = 0;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.heal();
      this.cut();
    });
  }

  #connect(client: Socket, target: number): void {
    if (this.hangNew) {
      this.#hanging.add(client);
      client.on('error', () => {});
      client.once('close', () => this.#hanging.delete(client));
      return;
    }
    const server = createConnection({ port: target, host: '127.0.0.1' });
    const pair: [Socket, Socket] = [client, server];
    this.#pairs.add(pair);
    let subscribed = false;
    client.on('data', (chunk) => {
      subscribed ||= SUBSCRIBE.test(chunk.toString('latin1'));
      if (!this.swallowRequests) server.write(chunk);
    });
    const late: Buffer[] = [];
    server.on('data', (chunk) => {
      if (this.swallowReplies || (subscribed && this.swallowMessages)) return;
      if (this.replyDelay === 0 && late.length === 0) return client.write(chunk);
      late.push(chunk);
      // Each timer writes what has waited longest: the order stays as it was when the delay changes.
      setTimeout(() => client.write(late.shift() as Buffer), this.replyDelay);
    });
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.once('close', () => {
        this.#pairs.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
  }
}
