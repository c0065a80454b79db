/** As much of connect-pg-simple as the tests use; the package has no types of its own. */
declare module 'connect-pg-simple' {
  import type { Store } from 'express-session';
  import type { Pool } from 'pg';

  interface Options {
    pool: Pool;
    createTableIfMissing?: boolean;
    schemaName?: string;
    pruneSessionInterval?: false | number;
  }
  class PgStore extends Store {
    constructor(options: Options);
    get: Store['get'];
    set: Store['set'];
    destroy: Store['destroy'];
    close(): Promise<void>;
  }
  export default function connectPgSimple(session: { readonly Store: typeof Store }): typeof PgStore;
}
