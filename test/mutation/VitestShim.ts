/**
 * Vitest without its runner: what tests import from it, with `describe` and `it` that only collect.
 *
 * A mutant takes milliseconds this way instead of a start of Vitest. The tests are the same files; without a mutant all of
 * them must pass here too, and Runner.ts checks that first.
 */
import { assert } from "vitest"

export * from "vitest"

export interface Collected {
  readonly name: string
  readonly run: (context: TestContext) => unknown
}

/** As much of Vitest's context as tests use. */
export interface TestContext {
  readonly signal: AbortSignal
  readonly onTestFinished: () => void
}

let collected: Array<Collected> = []

/** The tests that the files imported since the last call have. */
export const takeCollected = (): ReadonlyArray<Collected> => {
  const taken = collected
  collected = []
  return taken
}

type Run = Collected["run"]

const collect = (name: string, options: unknown, run?: unknown): void => {
  const body = typeof run === "function" ? run : options
  assert.isFunction(body, name)
  collected.push({ name, run: body as Run })
}

const unsupported = (): never => assert.fail("tests of the reducer use plain it and describe only")

export const it = Object.assign(collect, {
  skip: unsupported,
  skipIf: unsupported,
  runIf: unsupported,
  only: unsupported,
  fails: unsupported,
  for: unsupported,
  each: unsupported
})
export const test = it
export const describe = (_name: string, body: () => void): void => body()
