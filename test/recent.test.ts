import { Recent } from '../src/recent.js';

test('what was asked for lately is remembered, whatever else comes', () => {
  const recent = new Recent<string, number>(10);
  recent.set('used', 1);
  for (let other = 0; other < 1000; other += 1) {
    recent.set(`other ${other}`, other);
    expect(recent.get('used')).toBe(1);
  }
});

test('what nobody asks for is forgotten: at least max entries are kept, and at most twice as many', () => {
  const recent = new Recent<number, number>(10);
  for (let key = 0; key < 1000; key += 1) recent.set(key, key);
  const kept = Array.from({ length: 1000 }, (_, key) => key).filter((key) => recent.get(key) !== undefined);
  expect(kept.length).toBeGreaterThanOrEqual(10);
  expect(kept.length).toBeLessThanOrEqual(20);
  expect(kept.at(-1)).toBe(999);
});
