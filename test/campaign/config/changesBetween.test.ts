// What a campaign may go on with, and what starts a new one.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { changesBetween } from "../../../src/campaign/config/changesBetween.ts"
import { canonicalJson, configHash } from "../../../src/campaign/config/configHash.ts"
import { read } from "./memoryFiles.ts"
import { printToml } from "./printToml.ts"
import { others, wholeFile } from "./wholeFile.ts"

type File = typeof wholeFile

const settingsOf = (change: (file: any) => void) =>
  Effect.gen(function*() {
    const file = structuredClone(wholeFile) as File
    change(file)
    const { settings } = yield* read(printToml(file), { others })
    return settings
  })

const unchanged = settingsOf(() => {})

const changed = (change: (file: any) => void) =>
  Effect.gen(function*() {
    const before = yield* unchanged
    const after = yield* settingsOf(change)
    return { changes: changesBetween(before, after), sameHash: configHash(before) === configHash(after) }
  })

describe("what changed", () => {
  it.effect("is nothing between the same", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* changed(() => {}), { changes: [], sameHash: true })
    }))

  it.effect("starts a new campaign where results could not be compared", () =>
    Effect.gen(function*() {
      const cases: ReadonlyArray<readonly [(file: any) => void, string]> = [
        [(file) => (file.task[0].prompt = "Other?"), "task javascript: its prompt is another one"],
        [(file) => (file.task[2].grader.expected = "Rome"), "task exact: its grader is another one"],
        [(file) => file.task.shift(), "task javascript: it is not there any more"],
        [(file) => (file.agent[0].model = "llama"), "agent ours: model: qwen before, llama now"],
        [(file) => delete file.agent[0].model, "agent ours: model: qwen before, whatever its engine serves now"],
        [(file) => (file.agent[0]["max-tokens"] = 200), "agent ours: max-tokens: 100 before, 200 now"],
        [(file) => file.agent.pop(), "agent behind: it is not there any more"],
        [(file) => (file.seed = 8), "seed: 7 before, 8 now"]
      ]
      for (const [change, line] of cases) {
        const { changes, sameHash } = yield* changed(change)
        assert.deepStrictEqual(changes, [{ startsNewCampaign: true, line }])
        assert.isFalse(sameHash, line)
      }
      const { changes } = yield* changed((file) => {
        file.agent[2] = { name: "behind", engine: "here" }
      })
      assert.deepStrictEqual(changes, [
        {
          startsNewCampaign: true,
          line: "agent behind: it is an agent of another kind (an A2A agent before, a model now)"
        }
      ])
      assert.deepStrictEqual((yield* changed((file) => (file.repeat = 4))).changes, [
        { startsNewCampaign: true, line: "repeat: 5 before, 4 now" }
      ])
    }))

  it.effect("may change in mid-campaign elsewhere, and keeps the hash", () =>
    Effect.gen(function*() {
      const cases: ReadonlyArray<readonly [(file: any) => void, ...lines: ReadonlyArray<string>]> = [
        [(file) => (file.repeat = 6), "repeat: 5 before, 6 now"],
        [(file) => (file.concurrency = 4), "concurrency: 2 to 16 before, 4 now"],
        [(file) => (file["hard-cap"] = "3h"), "hard-cap: 2 h before, 3 h now"],
        [(file) => delete file["hard-cap"], "hard-cap: 2 h before, none now"],
        [(file) => (file.liveness["frozen-floor"] = "90s"), "liveness.frozen-floor: 60 s before, 90 s now"],
        [(file) => (file.liveness["lost-scrapes"] = 4), "liveness.lost-scrapes: 3 before, 4 now"],
        [(file) => (file.policy.wait = "1h"), "policy.wait: 30 min before, 1 h now"],
        [(file) => delete file.policy["campaign-tokens"], "policy.campaign-tokens: 1000000 before, any now"],
        [
          (file) => (file.engine[0].url = "http://other:8000"),
          "engine gpu: url: http://gpu:8000/v1 before, http://other:8000/v1 now"
        ],
        [
          (file) => (file.engine[0]["key-variable"] = "OTHER_KEY"),
          "engine gpu: key-variable: GPU_KEY before, OTHER_KEY now"
        ],
        [(file) => delete file.engine[0].concurrency, "engine gpu: concurrency: 4 before, the campaign's now"],
        [
          (file) => (file.engine[0]["on-model-change"] = "stop"),
          "engine gpu: on-model-change: continue before, stop now"
        ],
        [(file) => file.engine.push({ name: "new", url: "http://new" }), "engine new: it is new"],
        [(file) => (file.agent[0].engine = "here"), "agent ours: engine: gpu before, here now"],
        [
          (file) => (file.agent[1].url = "http://moved/"),
          "agent theirs: url: https://agent.example/a2a before, http://moved/ now"
        ],
        [
          (file) => delete file.agent[1]["token-variable"],
          "agent theirs: token-variable: THEIR_TOKEN before, none now"
        ],
        [(file) => (file.agent[1].command = "node agent.js"), "agent theirs: its command is another one"],
        [
          (file) => {
            file.agent[1].mode = "poll"
            delete file.agent[1].tap
          },
          "agent theirs: mode: tap before, poll now",
          "agent theirs: tap: http://tap:8100 before, none now"
        ],
        [(file) => delete file.agent[1].mode, "agent theirs: mode: tap before, the best that it can now"],
        [(file) => (file.agent[1].concurrency = 2), "agent theirs: concurrency: 1 to 3 before, 2 now"],
        [
          (file) => (file.task[10].grader["working-directory"] = "elsewhere"),
          "task command: its grader runs in another folder"
        ],
        [(file) => (file.task = file.task.toReversed())],
        [(file) => (file.agent = file.agent.toReversed())],
        [
          (file) => {
            file["stall-policy"] = "warn"
            delete file["hard-cap"]
          },
          "stall-policy: enforce before, warn now",
          "hard-cap: 2 h before, none now"
        ]
      ]
      for (const [change, ...lines] of cases) {
        const { changes, sameHash } = yield* changed(change)
        assert.deepStrictEqual(changes, lines.map((line) => ({ startsNewCampaign: false, line })))
        assert.isTrue(sameHash, lines.join())
      }
    }))

  it.effect("may be more tasks and agents, which another hash tells; what starts a new campaign comes first", () =>
    Effect.gen(function*() {
      const { changes, sameHash } = yield* changed((file) => {
        file.task.push({ ...file.task[3], id: "more" })
        file.agent.push({ name: "another", engine: "gpu" })
        file.seed = 1
      })
      assert.deepStrictEqual(changes, [
        { startsNewCampaign: true, line: "seed: 7 before, 1 now" },
        { startsNewCampaign: false, line: "task more: it is new" },
        { startsNewCampaign: false, line: "agent another: it is new" }
      ])
      assert.isFalse(sameHash)
    }))

  it.effect("of a scenario are its roles and its config, and not its addresses", () =>
    Effect.gen(function*() {
      const scenario = (role: string, port: number, config = "x = 1") =>
        Effect.map(
          read(
            `[green_agent]\nendpoint = "http://g"\n[[participants]]\nrole = "${role}"\nendpoint = "http://p:${port}"\n[config]\n${config}\n`
          ),
          ({ settings }) => settings
        )
      const stored = yield* scenario("agent", 1)
      const moved = yield* scenario("agent", 2)
      assert.deepStrictEqual(changesBetween(stored, moved), [
        { startsNewCampaign: false, line: "agent agent: agent: url: http://p:1/ before, http://p:2/ now" }
      ])
      assert.strictEqual(configHash(stored), configHash(moved))
      const other = yield* scenario("agent", 1, "x = 2")
      assert.deepStrictEqual(changesBetween(stored, other), [
        { startsNewCampaign: true, line: "task assessment: its grader is another one" }
      ])
      const renamed = yield* scenario("other", 1)
      assert.isTrue(changesBetween(stored, renamed).some(({ startsNewCampaign }) => startsNewCampaign))
      assert.notStrictEqual(configHash(stored), configHash(renamed))
    }))
})

describe("the hash of a configuration", () => {
  it.effect("is 64 hexadecimal digits", () =>
    Effect.gen(function*() {
      assert.match(configHash(yield* unchanged), /^[0-9a-f]{64}$/)
    }))

  it("is over JSON whose members stand in order", () => {
    assert.strictEqual(
      canonicalJson({ b: [1, { d: null, c: "x" }], a: undefined, B: 2 }),
      "{\"B\":2,\"b\":[1,{\"c\":\"x\",\"d\":null}]}"
    )
  })
})
