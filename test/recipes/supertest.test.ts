import { kitchen } from './recipes.js';

// The recipe is a test itself.
describe('what docs/recipes.md tests by supertest', () => {
  kitchen().run('supertest');
});
