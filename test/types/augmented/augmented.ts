// With an augmented SessionData every session of the program knows its keys.
import express from 'express';
import { Session, session } from 'sojourn';
import { signedIn } from 'sojourn/testing';

interface Item {
  id: string;
  amount: number;
}
declare module 'sojourn' {
  interface SessionData {
    userId: string;
    cart: Item[];
    theme: 'light' | 'dark';
    views: number;
  }
}

/** Compiles only if the two types are the same. */
function same<A>() {
  return <B>(..._: [A] extends [B] ? ([B] extends [A] ? [] : [never]) : [never]): A => undefined as A;
}
function typeOf<T>(_: T) {
  return same<T>();
}

const app = express();
app.use(session());

app.get('/', (req, res) => {
  const { session } = req;
  typeOf(session)<Session>();

  typeOf(session.get('userId'))<string | undefined>();
  typeOf(session.get('cart'))<Item[] | undefined>();
  typeOf(session.get('userId', 'nobody'))<string>();
  typeOf(session.get('userId', null))<string | null>();
  typeOf(session.get('cart', []))<Item[]>();
  typeOf(session.get('theme', 'dark'))<'light' | 'dark'>();
  typeOf(session.get('views', 0) + 1)<number>();
  typeOf(session.pop('userId'))<string | undefined>();
  typeOf(session.pop('views', 0))<number>();
  typeOf(session.setDefault('cart', []))<Item[]>();
  typeOf(session.has('cart'))<boolean>();
  typeOf(session.delete('cart'))<boolean>();
  typeOf([...session.keys()])<('userId' | 'cart' | 'theme' | 'views')[]>();

  session.set('userId', 'ada').set('cart', [{ id: 'pen', amount: 1 }]);
  session.setDefault('cart', []).push({ id: 'ink', amount: 1 });
  session.update({ userId: 'ada', views: 1 }).set('theme', 'dark');
  session.update({});
  session.update((s) => s.set('views', s.get('views', 0) + 1)).then(() => {});

  // @ts-expect-error the value has another type
  session.set('userId', 42);
  // @ts-expect-error the item lacks a property
  session.set('cart', [{ id: 'pen' }]);
  // @ts-expect-error there is no such theme
  session.set('theme', 'blue');
  // @ts-expect-error nothing is a value, too, and there is delete() for that
  session.set('userId', undefined);
  // @ts-expect-error an unknown key
  session.get('user');
  // @ts-expect-error an unknown key
  session.set('user', 'ada');
  // @ts-expect-error an unknown key
  session.has('user');
  // @ts-expect-error an unknown key
  session.delete('user');
  // @ts-expect-error an unknown key
  session.pop('user');
  // @ts-expect-error an unknown key
  session.update({ user: 'ada' });
  // @ts-expect-error the value has another type
  session.update({ userId: 42 });
  // @ts-expect-error it may be missing
  session.get('cart').push({ id: 'pen', amount: 1 });
  // @ts-expect-error the first mistake of everyone who comes from express-session
  session.userId = 'ada';
  // @ts-expect-error likewise
  req.session = null;
  // @ts-expect-error read-only
  session.sessionKey = null;

  res.end();
});

session().issue({ userId: 'ada' });
// @ts-expect-error an unknown key
session().issue({ user: 'ada' });
const sessions = session();
signedIn(sessions, { userId: 'ada' });
// @ts-expect-error an unknown key
signedIn(sessions, { user: 'ada' });
new Session({ store: session().store }).set('userId', 'ada');
