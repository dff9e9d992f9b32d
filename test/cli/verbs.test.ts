// Loading only what may be meant changes nothing that anybody can see.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { commandFor, verbs } from "../../src/cli/verbs.ts"

type Whole = Effect.Success<ReturnType<typeof commandFor>>

const named = (command: Whole) => command.subcommands.flatMap(({ commands }) => commands)
const shown = (command: Whole) =>
  named(command).map(({ description, name, shortDescription }) => ({ name, summary: shortDescription ?? description }))

/** Those whose flags are known: a verb that is not loaded has no examples, and none below it. */
const loadedOf = (args: ReadonlyArray<string>) =>
  Effect.map(
    commandFor(args),
    (command) =>
      named(command).filter(({ examples, subcommands }) => examples.length + subcommands.length > 0)
        .map(({ name }) => name)
  )

describe("the verbs", () => {
  it.effect("say the same of themselves whether they are loaded or not", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(shown(yield* commandFor([])), shown(yield* commandFor(["--completions", "bash"])))
    }))

  it.effect("are loaded where their name stands, wherever that is, and all where all flags are asked for", () =>
    Effect.gen(function*() {
      const all = verbs.map(({ name }) => name)
      assert.deepStrictEqual(yield* loadedOf([]), [])
      assert.deepStrictEqual(yield* loadedOf(["--help"]), [])
      assert.deepStrictEqual(yield* loadedOf(["--log-level", "debug", "run", "--help"]), ["run"])
      assert.deepStrictEqual(yield* loadedOf(["serve", "purple"]), ["serve"])
      for (const flag of [["--completions", "zsh"], ["--completions=zsh"], ["--wizard"]]) {
        assert.deepStrictEqual(yield* loadedOf(flag), all)
      }
    }))
})
