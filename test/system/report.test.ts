/** `campaign report` as a person calls it, on a campaign that was played in virtual time: the night of the example. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { copyFileSync, existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { playExample } from "../../bench/exampleReport/playExample.ts"
import { start } from "../support/command.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const campaign = Effect.fnUntraced(function*(directory: string, ...args: ReadonlyArray<string>) {
  const running = yield* start(args, { directory })
  const code = yield* running.exit
  return { code, stderr: running.stderr(), stdout: running.stdout() }
})

describe("campaign report", () => {
  it.live("prints, writes and compares, and refuses what it cannot write in one line", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const file = join(directory, "night.db")
      const played = yield* playExample({ file, seed: 7, repetitions: 1, tasks: 1 })
      assert.strictEqual(played.glance.scored, 3)
      copyFileSync(file, join(directory, "before.db"))

      const [json, plain, html, refused] = yield* Effect.all([
        campaign(directory, "report", "--db", "night.db", "--json"),
        campaign(directory, "report", "--db", "night.db", "--compare", "before.db"),
        campaign(directory, "report", "--db", "night.db", "--compare", "before.db", "-o", "night.html"),
        campaign(directory, "report", "--db", "night.db", "-o", "night.pdf")
      ], { concurrency: 2 })

      const printed = JSON.parse(json.stdout)
      assert.deepStrictEqual(printed.battles, { planned: 3, scored: 3, unscored: 0, pending: 0 })
      assert.strictEqual(printed.report.schema, "a2a-campaign/report/1")
      assert.strictEqual(printed.state, "ended")

      assert.strictEqual(plain.code, 0, plain.stderr)
      assert.include(plain.stdout, `Score:    ${played.summary.score!.toFixed(2)}, too few tasks for an interval\n`)
      assert.match(plain.stdout, /^Report: .* -o report\.html$/m)
      assert.match(plain.stdout, /^Against example-night \(before\.db\)/m)
      assert.match(plain.stdout, /^ {2}score, all: (0\.\d\d) → \1, ±0\.00/m)

      assert.strictEqual(html.stdout, "night.html: report of campaign example-night as HTML\n")
      assert.include(readFileSync(join(directory, "night.html"), "utf8"), "Compared with another campaign")

      assert.strictEqual(refused.code, 2)
      assert.match(refused.stderr, /^campaign: --output night\.pdf ends in \.pdf, .* \.html, \.md or \.json; .*\n$/)
      assert.isFalse(existsSync(join(directory, "night.pdf")))
    }).pipe(Effect.provide(NodeServices.layer)), 60_000)
})
