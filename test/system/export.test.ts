/** `campaign export` as a person types it: what lands where, and the one line for what cannot be. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { run } from "../support/command.ts"
import { writeEventfulNight } from "../support/eventfulNight.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

describe("campaign export", () => {
  it.live("writes each kind by the name of the file, also of a campaign that has not ended", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      yield* writeEventfulNight(join(directory, "night.db"))
      const export_ = (...args: ReadonlyArray<string>) => run(["export", "--db", "night.db", ...args], { directory })

      const [csv, json, xml, lines, ...wrong] = yield* Effect.all([
        export_("-o", "night.csv"),
        export_("--output", "night.json"),
        export_("-o", "JUNIT.XML"),
        run(["export"], {
          directory,
          environment: { CAMPAIGN_DB: "night.db", CAMPAIGN_FORMAT: "jsonl", CAMPAIGN_WHAT: "attempts" }
        }),
        export_(),
        export_("-o", "night.txt"),
        export_("-o", "night.db", "--format", "csv"),
        export_("-o", "all.json", "--what", "tokens"),
        export_("-o", "all.csv", "--transcripts"),
        run(["export", "--db", "nowhere.db", "-o", "all.csv"], { directory })
      ], { concurrency: 2 })

      assert.match(csv.stdout, /^night\.csv: battles as CSV of campaign campaign-1, \d\.\d kB\n$/)
      const rows = readFileSync(join(directory, "night.csv"), "utf8").trimEnd().split("\r\n")
      assert.lengthOf(rows, 25)
      assert.match(rows[0]!, /^campaign,task,agent,repetition,position,state,score,/)

      assert.strictEqual(json.code, 0)
      const document = JSON.parse(readFileSync(join(directory, "night.json"), "utf8"))
      assert.deepInclude(document, { schema: "a2a-campaign/export/1", state: "paused", running: false })
      assert.lengthOf(document.battles, 24)

      assert.match(xml.stdout, /as JUnit XML/)
      assert.match(readFileSync(join(directory, "JUNIT.XML"), "utf8"), /<testsuites name="campaign-1" tests="24"/)

      assert.deepStrictEqual([lines.code, lines.stderr], [0, ""])
      const attempts = lines.stdout.trimEnd().split("\n").map((line) => JSON.parse(line))
      assert.deepStrictEqual(new Set(attempts.map(({ row }) => row)), new Set(["attempt"]))
      assert.isTrue(attempts.some(({ error_tag, verdict }) => error_tag === "Stalled" && verdict === "stalled"))
      assert.notProperty(attempts[0], "content")

      assert.deepStrictEqual(wrong.map(({ code, stderr }) => `${code} ${stderr.split(":").slice(0, 2).join(":")}`), [
        "2 campaign: say where to",
        "2 campaign: night.txt ends in .txt, which is no kind of export; it may end in .jsonl, .json, .csv or .xml (JUnit), or " +
        "--format says it\n",
        "1 campaign: night.db belongs to the campaign's database and was left as it is; name another file\n",
        "2 campaign: --what tokens names rows of CSV or JSON lines; JSON holds all of them\n",
        "2 campaign: --transcripts",
        "1 campaign: There is no file nowhere.db"
      ])
      for (const { stderr, stdout } of wrong) assert.deepStrictEqual([stdout, stderr.split("\n").length], ["", 2])
      assert.deepStrictEqual(readdirSync(directory).toSorted(), ["JUNIT.XML", "night.csv", "night.db", "night.json"])
    }))
})
