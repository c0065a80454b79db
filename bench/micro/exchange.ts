import { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { Session, SessionMiddleware } from '../../src/index.ts';

export type Handler = (req: IncomingMessage & { session: Session }, res: ServerResponse) => void;

export interface Manner {
  /** Requests that are under way together. 32 unless told: a busy server. */
  readonly atOnce?: number;
  /**
   * As Express hands them over: with prototypes of the application's own. From then on V8 gives the object a new shape
   * with each property that is added to it, which costs microseconds. A session that adds some pays for it.
   */
  readonly likeExpress?: boolean;
}

const EXPRESS = { req: Object.create(IncomingMessage.prototype), res: Object.create(ServerResponse.prototype) };

/**
 * Node's own request and response, without a socket: a response is written into its buffer. What that takes is the
 * same with and without Sojourn, so that the difference is Sojourn.
 */
export function exchange(cookie: string | undefined, likeExpress = false): { req: IncomingMessage; res: ServerResponse } {
  const req = new IncomingMessage(null as never);
  req.method = 'GET';
  req.url = '/';
  req.httpVersionMajor = 1;
  req.httpVersionMinor = 1;
  req.headers = cookie === undefined ? {} : { cookie };
  const res = new ServerResponse(req);
  if (likeExpress) {
    Object.setPrototypeOf(req, EXPRESS.req);
    Object.setPrototypeOf(res, EXPRESS.res);
  }
  return { req, res };
}

/** Carries requests out, `atOnce` at a time, and throws if one isn't answered with 200. */
export async function carryOut(
  count: number,
  cookieOf: (index: number) => string | undefined,
  run: (req: IncomingMessage, res: ServerResponse) => void,
  { atOnce = 32, likeExpress = false }: Manner = {},
): Promise<void> {
  for (let begun = 0; begun < count; ) {
    const responses: ServerResponse[] = [];
    for (; responses.length < atOnce && begun < count; begun += 1) {
      const { req, res } = exchange(cookieOf(begun), likeExpress);
      responses.push(res);
      run(req, res);
    }
    // At least once: what a request leaves for the next tick is part of it.
    do await setImmediate();
    while (responses.some((res) => !res.writableEnded));
    for (const { statusCode } of responses) if (statusCode !== 200) throw new Error(`a request was answered with ${statusCode}`);
  }
}

/** A handler behind sessions, or (without) the handler alone. */
export function behind(sessions: SessionMiddleware | null, handler: Handler) {
  return (req: IncomingMessage, res: ServerResponse): void => {
    if (sessions === null) handler(req as never, res);
    else
      sessions(req, res, (error) => {
        if (error === undefined) handler(req as never, res);
        else {
          res.statusCode = 500;
          res.end();
        }
      });
  };
}
