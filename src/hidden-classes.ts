/**
 * Express gives each request and response another prototype. In the V8 of Node 20 and 22 such an object gets a hidden
 * class of its own with each property that is added from then on, some 3 µs and a kilobyte of garbage each time: more
 * than all that a session costs otherwise. An object that a property was deleted from keeps its properties in a hash
 * table, where one more costs next to nothing. V8 13 (Node 24) shares the classes, and nothing is to be done.
 */
const NEEDED = Number.parseInt(process.versions.v8, 10) < 13;

/** To be called once before properties are added to such an object; `name` is any property of its own. */
export function expectProperties(object: object, name: string, plain: object): void {
  if (!NEEDED || Object.getPrototypeOf(object) === plain) return;
  const property = Object.getOwnPropertyDescriptor(object, name);
  if (property?.configurable && Reflect.deleteProperty(object, name)) Object.defineProperty(object, name, property);
}
