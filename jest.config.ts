/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';

// CI's matrix runs all tests on the older versions, too; both are installed side by side under an alias.
const versions: Record<string, string> = {
  ...(process.env.IOREDIS === '5' ? { '^ioredis$': 'ioredis5' } : {}),
  ...(process.env.EXPRESS === '4' ? { '^express$': 'express4' } : {}),
};

const config: Config = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test', '<rootDir>/examples'],
  testMatch: ['**/*.test.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, sourceMaps: 'inline' }] },
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^sojourn$': '<rootDir>/src/index.ts',
    '^sojourn/express-session$': '<rootDir>/src/express-session/index.ts',
    '^sojourn/testing$': '<rootDir>/src/testing.ts',
    ...versions,
  },
  globalSetup: '<rootDir>/test/helpers/global-setup.ts',
  globalTeardown: '<rootDir>/test/helpers/global-teardown.ts',
  setupFilesAfterEnv: ['<rootDir>/test/helpers/traps.ts'],
  testTimeout: 60_000,
  // A test that fails half-way may leave a server open: the run is to end, and be red.
  forceExit: true,
  collectCoverage: true,
  collectCoverageFrom: ['src/**/*.ts'],
  coverageProvider: 'v8',
  coverageReporters: ['text-summary', 'lcovonly', 'json'],
  coverageThreshold: { global: { branches: 98 } },
};

export default config;
