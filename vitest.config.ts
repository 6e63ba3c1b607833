import { defineConfig } from 'vitest/config'

const shared = { environment: 'node', pool: 'forks', restoreMocks: true } as const

export default defineConfig({
  test: {
    // By default one core is left to a person who watches; on two that is half of the machine.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: [
            '{node-core,electron,renderer,scripts,tests/bench,tests/helpers,tests/soak}/**/*.test.{ts,tsx}',
          ],
          // Some start a handful of processes: seconds on an idle machine, and many more on one that builds something else.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'integration',
          include: ['tests/{integration,architecture}/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Each file starts real processes: one file at a time keeps two cores from starving them.
          fileParallelism: false,
        },
      },
      {
        test: {
          ...shared,
          name: 'e2e',
          include: ['tests/{e2e,electron}/**/*.test.ts'],
          // A real browser on real nodes: minutes where the machine does something else as well.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
