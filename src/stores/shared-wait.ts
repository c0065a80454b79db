/**
 * One WAIT for many: it covers all that was written before. While one is under way, which keeps the connection to
 * itself, whoever comes shares the next; else a replica that is gone would make each of them wait for all before.
 */
export class SharedWait {
  readonly #send: () => Promise<unknown>;
  #running: Promise<unknown> | undefined;
  #next: Promise<unknown> | undefined;

  constructor(send: () => Promise<unknown>) {
    this.#send = send;
  }

  wait(): Promise<unknown> {
    if (this.#running === undefined) return this.#begin();
    this.#next ??= this.#running.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  #begin(): Promise<unknown> {
    this.#next = undefined;
    const running = this.#send();
    this.#running = running;
    const end = () => {
      if (this.#running === running) this.#running = undefined;
    };
    running.then(end, end);
    return running;
  }
}
