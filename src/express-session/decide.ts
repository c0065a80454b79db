/** All that the decision depends on. */
export interface Facts {
  /** The client doesn't hold this session's ID yet. */
  readonly isNew: boolean;
  /** There is a record under the ID. */
  readonly stored: boolean;
  /** Something was changed during this request. */
  readonly modified: boolean;
  /** Something was changed that isn't stored yet. */
  readonly changed: boolean;
  /** Stored or renewed since the last change. */
  readonly settled: boolean;
  /** This request ended the session that the client held. */
  readonly ended: boolean;
  /** Another request replaced the session that the client held: a login. */
  readonly retired: boolean;
  /** The cookie has an end of its own. */
  readonly persistent: boolean;
  /** The application has changed the cookie: its age, say. */
  readonly cookieChanged: boolean;
  readonly resave: boolean;
  readonly saveUninitialized: boolean;
  readonly rolling: boolean;
  /** The store can renew a session without storing it. */
  readonly touches: boolean;
}

export interface Decision {
  readonly act: 'leave' | 'store' | 'touch' | 'interrupt';
  readonly sendsCookie: boolean;
}

/** express-session's rules about storing, renewing and the cookie; all of them in its `index.js` are named `should...`. */
export function decide(facts: Facts): Decision {
  const { isNew, stored, modified, changed, settled } = facts;
  // After a logout, or under a key that a login has just replaced, an empty session is nobody's wish: its cookie would
  // replace that of the login.
  const wanted = modified || (facts.saveUninitialized && !facts.ended && !facts.retired);
  if (isNew && facts.retired && modified) return { act: 'interrupt', sendsCookie: false };
  const sendsCookie = isNew ? wanted : facts.rolling || facts.cookieChanged || (facts.persistent && modified);
  if (!stored) return { act: wanted && (!settled || changed) ? 'store' : 'leave', sendsCookie };
  if (changed || (facts.resave && !settled)) return { act: 'store', sendsCookie };
  return { act: !isNew && facts.touches && !settled ? 'touch' : 'leave', sendsCookie };
}
