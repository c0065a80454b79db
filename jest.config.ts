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
  // All cores: without this Jest leaves one alone, which on two cores means one file after another.
  maxWorkers: '100%',
  // A worker keeps something of each file it has run; one that has grown past this makes way for a new one.
  workerIdleMemoryLimit: '1GB',
  // For .ci/run. V8's own coverage would be counted over all that a worker has ever loaded, and cost more with each file.
  collectCoverage: process.env.COVERAGE === '1',
  collectCoverageFrom: ['src/**/*.ts'],
  coverageProvider: 'babel',
  coverageReporters: ['text-summary', 'lcovonly', 'json'],
  coverageThreshold: { global: { branches: 98 } },
};

export default config;
