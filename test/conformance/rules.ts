/**
 * Where Sojourn leaves Django on purpose: all of it, each with its reason.
 *
 * `when` says by what happens in a request the rule applies, `instead` what the answer then is. Both are carried out
 * in `model/`, at the place where it asks `differs('<name of the rule>')`: the model is Django without the rules, and
 * gives Sojourn's exact answer with them.
 */
export interface Rule {
  readonly when: string;
  readonly instead: string;
  readonly because: string;
}

export const RULES = {
  // Before the view
  'refused at start': {
    when: 'the settings make a cookie no browser keeps (SameSite=None or a __Secure- or __Host- name without Secure), or an age below a second or above 400 days',
    instead: 'session() throws an OptionError that names the option; the scenario then runs with the nearest settings that work',
    because: 'a login that silently fails for every visitor is to be found at start',
  },
  'signed cookie': {
    when: 'a cookie value is not a session key with a good signature',
    instead: 'it is no key at all: no store call, no key at start',
    because: 'nothing that the server did not issue costs a look-up, and a dump of the store yields no cookie',
  },
  'several cookies': {
    when: 'the session cookie comes more than once',
    instead: 'of at most two different keys the one that is alive is the session; with two alive, or with more keys, there is none',
    because: 'a cookie planted by a sub-domain must not decide by its place in the header (Django takes the last)',
  },
  'loaded first': {
    when: 'a key came in',
    instead:
      'the session is read before the view: an unknown key is null from the start, and what others do to the record during the view comes after the read',
    because: 'reading is synchronous in the view; an unknown key is never adopted, nor given an empty session of its own',
  },
  'read error': {
    when: 'the read failed',
    instead:
      'each touch of the data throws until a load() succeeds; a view that touches nothing is served and nothing is renewed; a flush still clears, and the first commit of it fails with the same error',
    because: 'a store that does not answer says nothing about the session: Django takes it for a logout and deletes the cookie',
  },

  // The session object
  'missing is a value': {
    when: 'a missing key is read, deleted or popped without a default',
    instead: 'undefined or false; accessed and modified as in Django',
    because: 'JavaScript has a value for it where Python raises KeyError',
  },
  'string keys': {
    when: 'a key that is set is not a string',
    instead: 'a TypeError, and nothing is touched',
    because: 'JSON has no other keys: 1 and "1" would become one entry',
  },
  'load returns the session': {
    when: 'the view calls load()',
    instead: 'the session itself, with no store call if it is loaded; after a failed read it reads again',
    because: 'Django hands out the raw data of an internal method',
  },
  'absurd age': {
    when: 'an expiry of more than 400 days is given as a number',
    instead: 'a RangeError, and nothing is changed',
    because: 'no browser keeps a cookie longer, and the number is most likely milliseconds',
  },
  'in place': {
    when: 'the view changes something inside of a stored value',
    instead: 'the session is modified, and saved',
    because: "Django's oldest gotcha: it does not notice, and the change is lost",
  },
  'modified false forgets': {
    when: 'the view sets modified to false',
    instead: 'the changes made so far are no reason to write any more, not even with save-every-request',
    because: 'that is what the view asks for; Django writes them with the next save',
  },
  'well-formed keys': {
    when: 'exists() or destroy() is given something that is not a session key',
    instead: 'false, without a store call',
    because: 'there can be no record under it',
  },

  // Talking to the store
  'at commit': {
    when: 'the view cycles or flushes',
    instead:
      'the object changes at once, the store with the next save() or the response; a cycle is not carried out at status 500 or above, and is even if modified is false; a key without a record is created by that save',
    because: 'one request is one unit of work: a failing view must not log anybody out or leave an orphan behind',
  },
  'one act': {
    when: 'a session is created or written',
    instead: 'no look-up before it: nothing is read, and only a fault of the write itself counts',
    because: 'look first, write then, is a race; create and update are one atomic call each',
  },
  'random keys': {
    when: 'a scenario forces a key on the generator',
    instead: 'the key is another; if the forced one is alive, the store says of the next creation that its key is taken',
    because: 'keys are 256 random bits that nothing can dictate; all that can be shown is what a collision leads to',
  },
  'three attempts': {
    when: 'each new key is taken',
    instead: 'a CreateError after three keys, for every way of creating',
    because: 'not even one collision of 256 random bits is chance; Django tries 10 000 times',
  },
  'failed creation': {
    when: 'create() fails',
    instead: 'the session still has the key that it had before',
    because: 'it is still the session it was, and can be saved',
  },
  'created once': {
    when: 'the view saves with must-create a session that has its record',
    instead: 'a CreateError without a store call',
    because: 'Django would bring a record back that was deleted meanwhile',
  },
  merge: {
    when: 'another request wrote the record since it was read',
    instead: 'the keys that this request changed are laid over what is there; a cycle takes along what the other one wrote',
    because: 'nothing is lost between parallel requests: in Django the last one to save overwrites the other',
  },
  'no revival': {
    when: 'the record of a cycled session was deleted since it was read',
    instead: '400 (an UpdateError from save()), and the new record goes again',
    because: 'logged out stays logged out: Django gives the session a new life under the new key',
  },
  'retired key': {
    when: 'the key was cycled less than a minute ago by another request, and this one writes',
    instead: '400 (an UpdateError from save()); it may cycle, create or flush',
    because: 'a new session of its own would replace the cookie that the login has just set',
  },
  'past expiry': {
    when: 'a session is saved whose own expiry leaves no whole second',
    instead: 'its record goes, and its cookie if one came in; the key is null, and what was flushed before stays flushed',
    because: 'it is over: Django sends a cookie that leads nowhere',
  },
  'part of a second': {
    when: 'the expiry has a fraction of a second',
    instead: 'the record lives for the whole seconds, and for at least one',
    because: 'a time to live is never rounded to 0, which would delete what was just saved',
  },

  // The response
  'erased by flush': {
    when: 'a cookie came in and the session is empty, but this request did not flush it',
    instead: 'the cookie stays, and Vary says Cookie only if the session was accessed',
    because: 'a late response to an old key must not delete the cookie that a login has just set',
  },
  'commit is no access': {
    when: 'the response sets no cookie, although Django had computed the age of one (an error, a failed save)',
    instead: 'the session is as accessed as the view left it',
    because: 'accessed says what the view did; it is too late for Vary anyway',
  },
  'saved once': {
    when: 'everything is in the store already, by a save() or create() of the view',
    instead: 'the response writes nothing, and so meets neither a deletion nor a fault that came after',
    because: 'a second write of the same data protects nothing',
  },
  'saved by hand': {
    when: 'the view stored something by save() or create(), and the response is an error of 500 or above',
    instead: 'the cookie goes out all the same',
    because: 'the record is there: without its cookie it would be an orphan, and the client would keep a dead key',
  },
  touch: {
    when: 'save-every-request, and nothing was changed',
    instead:
      'record and cookie are renewed, the data are not written; neither is, and no error, if the record is gone or was written meanwhile',
    because: 'a read must not overwrite what others wrote, and a page that only reads is not to be answered with 400',
  },
  'store down is 503': {
    when: 'the store fails while the response commits',
    instead: '503',
    because: 'that is what it is, and it may be tried again; Django answers 500',
  },
  'max-age': {
    when: 'a cookie is set',
    instead: 'Max-Age alone says until when, between 1 second and 400 days',
    because: 'browsers go by it and cap it there; a date would be wrong by what the clocks differ',
  },
  'deletion attributes': {
    when: 'a cookie is deleted',
    instead: 'the deletion has the Secure and HttpOnly of the cookie',
    because: 'browsers refuse a deletion that is weaker than the cookie',
  },
} satisfies Record<string, Rule>;

export type RuleName = keyof typeof RULES;
export const RULE_NAMES = Object.keys(RULES) as RuleName[];
