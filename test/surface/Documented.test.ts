/** Whatever a program can import says what it is, and its head says what it is for. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import { root } from "../support/command.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"
import { type Documented, exportsOf, publicModules } from "./PublicSurface.ts"

const undocumented = (exports: ReadonlyArray<Documented>) =>
  exports.filter(({ comment }) => comment === "").map(({ name, place }) => `${name} (${place})`)

describe("what programs can import", () => {
  const modules = publicModules()

  for (const { exports, header, specifier } of modules) {
    it(`${specifier} says what it is for, and so does every name of it`, () => {
      assert.isAtLeast(header.split("\n").length, 3, "the head of the module")
      assert.isNotEmpty(exports)
      assert.deepStrictEqual(undocumented(exports), [])
    })
  }

  it.effect("is read with all that is behind it: names handed on, members, cases, fields, shapes of services", () =>
    Effect.scoped(Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      writeFileSync(
        join(directory, "Inner.ts"),
        `
      /** Documented. */
      export const fine = 1
      export const bare = 2
      /** An error. */
      export class Broken extends Schema.TaggedError<Broken>()("Broken", { detail: Schema.String }) {}
      const hidden = 3
      `
      )
      writeFileSync(
        join(directory, "Outer.ts"),
        `
      import { fine } from "./Inner.ts"
      export { fine }
      export { bare as renamed, Broken } from "./Inner.ts"
      export * as Whole from "./Inner.ts"
      /** A service. */
      export class Service extends Context.Service<Service, { readonly told: string; /** Said. */ readonly said: 1 }>()("x") {
        static readonly layer = 1
        private secret = 2
      }
      /** Cases. */
      export const Union = Schema.TaggedUnion({ One: {}, /** Two. */ Two: {} }).check(x)
      export type Union = typeof Union.Type
      export const { A } = Union.cases
      // Not for readers.
      export interface Options {
        readonly limit: number
      }
      `
      )
      const bare = undocumented(exportsOf(relative(root, join(directory, "Outer.ts")))).map((text) =>
        text.split(" ")[0]
      )
      assert.deepStrictEqual(bare, [
        "renamed",
        "Broken.detail",
        "Whole.bare",
        "Whole.Broken.detail",
        "Service.layer",
        "Service.told",
        "Union.One",
        "A",
        "Options",
        "Options.limit"
      ])
    })))
})
