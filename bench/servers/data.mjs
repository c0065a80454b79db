/**
 * The session that every peer keeps: small values as after a login, items of a cart where it is large, and a text that
 * fills up to the size. Its JSON has exactly `bytes` bytes; what a peer adds to it is the peer's own cost.
 *
 * `keys`: that many more small keys.
 */
export function sessionData(bytes, keys = 0) {
  const data = { userId: 42, views: 0 };
  if (bytes >= 200)
    Object.assign(data, { name: 'Ada Lovelace', roles: ['editor', 'author'], csrf: 'c2Vzc2lvbnMgYXJlIHNhdmVkIGJlZm9yZSB0aGV5' });
  for (let index = 0; index < keys; index += 1) data[`key${index}`] = index;
  data.cart = [];
  data.note = '';
  const size = () => JSON.stringify(data).length;
  const item = (index) => ({ id: index, name: `Item number ${index}`, quantity: 1 + (index % 5), price: 9.95, gift: index % 2 === 0 });
  // The size is asked for once in a while only: asking costs as much as the session is large.
  for (let index = 0, left = bytes - size(); left > 600; left = bytes - size()) {
    for (const end = index + Math.max(1, Math.floor(left / 100)); index < end; index += 1) data.cart.push(item(index));
  }
  data.note = 'n'.repeat(Math.max(0, bytes - size()));
  return data;
}

/** What a login stores: 300 bytes. */
export const LOGIN = sessionData(300);

/** The session that the driver wants to begin with, from the query of `/seed?bytes=&keys=`. */
export function seedData({ bytes, keys }) {
  return sessionData(Number(bytes), Number(keys ?? 0));
}

/** The sum of what the parallel writers of workload H counted, each under a key of its own. */
export function total(read) {
  let sum = 0;
  for (let writer = 0; writer < 8; writer += 1) sum += read(`own${writer}`) ?? 0;
  return sum;
}
