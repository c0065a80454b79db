import '../express-session/index.js';

import cookie = require('../express-session/cookie.js');
import middleware = require('../express-session/middleware.js');
import options = require('../express-session/options.js');
import sessions = require('../express-session/session.js');
import stores = require('../express-session/store.js');

// What `require('sojourn/express-session')` is in the CommonJS build: the function itself, as with express-session. A module
// that is written with `export` can't compile to that. Node itself doesn't come here: its require() takes what import takes.

function session(given?: options.SessionOptions): middleware.SessionHandler {
  return middleware.session(given);
}

// A namespace, because only that can carry types next to a function that is exported whole.
namespace session {
  export import Cookie = cookie.Cookie;
  export import CookieData = cookie.CookieData;
  export import CookieOptions = cookie.CookieOptions;
  export import MemoryStore = stores.MemoryStore;
  export import Session = sessions.Session;
  export import SessionData = sessions.SessionData;
  export import SessionHandler = middleware.SessionHandler;
  export import SessionOptions = options.SessionOptions;
  export import Store = stores.Store;
  export import StoredData = stores.StoredData;
}

export = session;
