import { defineConfig } from "vitest/config"

export default defineConfig({
  // Tests import what programs import, and get the sources.
  ssr: { resolve: { conditions: ["a2a-campaign-source", "module", "node", "development|production"] } },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/refreshBundle.ts",
    // Vitest keeps one core free; many of these tests wait, for sockets and for processes.
    maxWorkers: 2,
    // A worker loads each module once, not once for every file: no test changes what another one of its worker sees.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
