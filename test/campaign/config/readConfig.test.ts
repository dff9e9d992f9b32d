// From a campaign.toml to the settings of a campaign.
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { asItCan } from "../../../src/campaign/AgentFollowing.ts"
import { CampaignSettings } from "../../../src/campaign/config/CampaignSettings.ts"
import { readConfig } from "../../../src/campaign/config/readConfig.ts"
import { demonstrationTasks, romanNumerals } from "../../../src/grading/DemonstrationTasks.ts"
import { defaults, withPatience } from "../../../src/liveness/LivenessLimits.ts"
import { temporaryDirectory } from "../../support/temporaryDirectory.ts"
import { read, refusals } from "./memoryFiles.ts"
import { printToml } from "./printToml.ts"
import { others, wholeFile } from "./wholeFile.ts"

const graded =
  "[[task]]\nid = \"t\"\nprompt = \"p\"\ngrader = { kind = \"text\", match = \"exact\", expected = \"x\" }\n"

describe("a campaign file", () => {
  it.effect("with every key becomes what its keys say", () =>
    Effect.gen(function*() {
      const { kind, name, notes, settings } = yield* read(printToml(wholeFile), { others })
      assert.deepStrictEqual([kind, name, notes], ["campaign", "night", []])
      const { agents, engines, tasks, ...numbers } = settings
      assert.deepStrictEqual(numbers, {
        repetitions: 5,
        seed: 7,
        concurrency: { _tag: "Adaptive", first: 2, most: 16 },
        policy: {
          attempts: 4,
          waitMillis: 1_800_000,
          engineFaults: 6,
          breakerFailures: 7,
          campaignRetries: 0,
          campaignMillis: 28_800_000,
          campaignTokens: 1_000_000
        },
        limits: defaults,
        stallPolicy: "enforce",
        hardCapMillis: 7_200_000,
        judge: { engine: "gpu", model: "judge-model", maxTokens: 512 }
      })
      assert.deepStrictEqual(engines, [
        {
          name: "gpu",
          url: "http://gpu:8000/v1",
          keyVariable: "GPU_KEY",
          concurrency: { _tag: "Fixed", battles: 4 },
          onModelChange: "continue"
        },
        { name: "here", url: null, keyVariable: null, concurrency: null, onModelChange: "stop" }
      ])
      assert.deepStrictEqual(agents, [
        {
          name: "ours",
          engine: "gpu",
          concurrency: null,
          following: asItCan,
          kind: { _tag: "Model", model: "qwen", maxTokens: 100 }
        },
        {
          name: "theirs",
          engine: null,
          concurrency: { _tag: "Adaptive", first: 1, most: 3 },
          following: { mode: "tap", tap: { _tag: "Running", url: "http://tap:8100" } },
          kind: {
            _tag: "Agent",
            address: {
              url: "https://agent.example/a2a",
              tokenVariable: "THEIR_TOKEN",
              command: {
                line: "python3 agent.py",
                workingDirectory: "/campaigns/night/agents",
                environment: { OPENAI_API_KEY: "${OPENAI_API_KEY}", LEVEL: "${LEVEL:-debug}" }
              }
            }
          }
        },
        {
          name: "behind",
          engine: "here",
          concurrency: null,
          following: asItCan,
          kind: { _tag: "Agent", address: { url: "http://127.0.0.1:9019/", tokenVariable: null, command: null } }
        }
      ])
      assert.deepStrictEqual(tasks.map(({ id }) => id), [
        ...wholeFile.task.map(({ id }) => id),
        "alone",
        "called",
        "roman-numerals"
      ])
      assert.strictEqual(tasks.find(({ id }) => id === "model-file")!.prompt, "Say ${hello}.\n")
      assert.deepStrictEqual(tasks.at(-1), romanNumerals)
      assert.deepStrictEqual(
        yield* Schema.decodeUnknownEffect(CampaignSettings)(JSON.parse(JSON.stringify(settings))),
        settings
      )
    }))

  it.effect("makes every kind of grader into the stored one", () =>
    Effect.gen(function*() {
      const { settings: { tasks } } = yield* read(printToml(wholeFile), { others })
      assert.deepStrictEqual(Object.fromEntries(tasks.slice(0, -1).map(({ grader, id }) => [id, grader])) as object, {
        javascript: {
          _tag: "JavaScriptTests",
          functionName: "f",
          tests: [{ arguments: [1, [2]], expected: { a: 1 } }]
        },
        python: { _tag: "PythonTests", functionName: "f", tests: [{ arguments: [], expected: null }] },
        exact: {
          _tag: "TextMatch",
          rule: { _tag: "Exact", expected: "Paris", ignoreCase: true },
          answer: { _tag: "Text" }
        },
        contains: { _tag: "TextMatch", rule: { _tag: "Contains", expected: "Paris" } },
        regex: {
          _tag: "TextMatch",
          rule: { _tag: "Regex", pattern: "^a+$", flags: "im" },
          answer: { _tag: "Code", language: "text" }
        },
        number: {
          _tag: "TextMatch",
          rule: { _tag: "Number", expected: 42, tolerance: 0.5 },
          answer: { _tag: "Json", path: "a.0" }
        },
        schema: { _tag: "JsonSchema", schema: { type: "object" }, answer: { _tag: "Json" } },
        "schema-file": { _tag: "JsonSchema", schema: { type: "array" } },
        model: { _tag: "ModelGraded", rubric: "Is it right?", answer: { _tag: "Text" }, passingScore: 0.5 },
        "model-file": { _tag: "ModelGraded", rubric: "Is it kind?" },
        command: {
          _tag: "Command",
          command: ["./grade.py", "--strict"],
          workingDirectory: "/campaigns/night/graders",
          timeLimitMillis: 10_000,
          answer: { _tag: "Code" },
          passingScore: 0.75
        },
        alone: { _tag: "JavaScriptTests", functionName: "g", tests: [{ arguments: ["x"], expected: true }] },
        called: { _tag: "TextMatch", rule: { _tag: "Exact", expected: "" } }
      })
    }))

  it.effect("without engines and agents is the demonstration, with every number its default", () =>
    Effect.gen(function*() {
      const { name, origins, settings } = yield* read("built-in-tasks = \"all\"\n")
      assert.strictEqual(name, null)
      assert.deepStrictEqual(settings, {
        judge: null,
        tasks: demonstrationTasks,
        engines: [{ name: "simulated", url: null, keyVariable: null, concurrency: null, onModelChange: "stop" }],
        agents: [{
          name: "simulated-model",
          engine: "simulated",
          concurrency: null,
          following: asItCan,
          kind: { _tag: "Model", model: null, maxTokens: 4096 }
        }],
        repetitions: 3,
        concurrency: { _tag: "Fixed", battles: 3 },
        seed: 1,
        policy: {
          attempts: 3,
          waitMillis: 3_600_000,
          engineFaults: 5,
          breakerFailures: 5,
          campaignRetries: null,
          campaignMillis: null,
          campaignTokens: null
        },
        limits: defaults,
        stallPolicy: "enforce",
        hardCapMillis: null
      })
      assert.deepStrictEqual(new Set(origins.values()), new Set(["default"]))
    }))

  it.effect("may be JSON, and stand in another folder", () =>
    Effect.gen(function*() {
      const file = "conf/c.json5"
      const text = "// ours\n{ 'built-in-tasks': 'all', agent: [{ name: 'a', url: 'http://a', command: 'x' }] }"
      const { settings: { agents: [agent] } } = yield* read(text, { file })
      assert.strictEqual(
        agent.kind._tag === "Agent" && agent.kind.address.command?.workingDirectory,
        "/campaigns/night/conf"
      )
      const [line] = yield* refusals("{ repeat: 0 }", { file })
      assert.match(line!, /^conf\/c.json5:1:3: repeat: expected a whole number of at least 1, not 0$/)
    }))
})

describe("a campaign file on disk", () => {
  it.effect("names its files beside it, wherever the command runs", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryDirectory
      mkdirSync(join(folder, "night", "tasks"), { recursive: true })
      writeFileSync(join(folder, "night", "campaign.toml"), "task-folders = [\"tasks\"]\n")
      writeFileSync(
        join(folder, "night", "tasks", "b.toml"),
        "prompt-file = \"b.md\"\ngrader = { kind = \"command\", command = [\"./grade.py\"] }\n"
      )
      writeFileSync(join(folder, "night", "tasks", "b.md"), "Do it.")
      const request = { currentDirectory: folder, lookup: () => undefined }
      const { origins, settings } = yield* readConfig({ ...request, file: "night/campaign.toml" })
      assert.deepStrictEqual(settings.tasks, [{
        id: "b",
        prompt: "Do it.",
        grader: { _tag: "Command", command: ["./grade.py"], workingDirectory: join(folder, "night", "tasks") }
      }])
      assert.strictEqual(origins.get("seed"), "default")
      const missing = yield* Effect.flip(readConfig({ ...request, file: "campaign.toml" }))
      assert.match(missing.message, /^campaign.toml: cannot be read \(.*\); check its name and your permissions$/)
      const isFolder = yield* Effect.flip(readConfig({ ...request, file: "night" }))
      assert.match(isFolder.message, /^night: cannot be read \(.*\)/)
    }).pipe(Effect.provide(NodeServices.layer)))
})

describe("the numbers of a campaign", () => {
  const file = `repeat = 5\nstall-limit = "5min"\n${graded}[liveness]\nsilent-floor = "60s"\n`

  it.effect("tell where they come from", () =>
    Effect.gen(function*() {
      const { origins, settings } = yield* read(printToml(wholeFile), { others })
      const lines = printToml(wholeFile).split("\n")
      const lineOf = (text: string) => `campaign.toml:${lines.findIndex((line) => line.startsWith(text)) + 1}`
      assert.strictEqual(origins.get("repetitions"), lineOf("repeat"))
      assert.strictEqual(
        origins.get("concurrency"),
        lineOf("[concurrency]")
      )
      assert.strictEqual(origins.get("policy.waitMillis"), lineOf("wait"))
      assert.strictEqual(origins.get("limits.frozenFloorMillis"), lineOf("frozen-floor"))
      assert.strictEqual(origins.get("engines.gpu.concurrency"), lineOf("concurrency = 4"))
      assert.strictEqual(origins.get("engines.here.onModelChange"), "default")
      assert.strictEqual(origins.get("agents.ours.maxTokens"), lineOf("max-tokens"))
      assert.strictEqual(origins.get("agents.ours.concurrency"), "default")
      const { policy, limits } = settings
      for (const key of Object.keys(policy)) assert.isTrue(origins.has(`policy.${key}`), key)
      for (const key of Object.keys(limits)) assert.isTrue(origins.has(`limits.${key}`), key)
    }))

  it.effect("of the stall limit are all limits of silence, and one limit wins over it", () =>
    Effect.gen(function*() {
      const { origins, settings: { limits } } = yield* read(file)
      assert.deepStrictEqual(limits, { ...withPatience(defaults, 300_000), silentFloorMillis: 60_000 })
      assert.strictEqual(origins.get("limits.silentCeilingMillis"), "campaign.toml:2")
      assert.strictEqual(origins.get("limits.silentFloorMillis"), "campaign.toml:8")
      assert.strictEqual(origins.get("limits.tickMillis"), "default")
      // Even where it says what holds without it.
      const same = yield* read("stall-limit = \"2min\"\nbuilt-in-tasks = \"all\"\n")
      assert.strictEqual(same.origins.get("limits.silentFloorMillis"), "campaign.toml:1")
    }))

  it.effect("may say a concurrency that cannot grow", () =>
    Effect.gen(function*() {
      const { settings } = yield* read("concurrency = { first = 3, most = 3 }\nbuilt-in-tasks = \"all\"\n")
      assert.deepStrictEqual(settings.concurrency, { _tag: "Adaptive", first: 3, most: 3 })
    }))

  it.effect("of one agent are not more than what is asked for on the command line", () =>
    Effect.gen(function*() {
      const { origins, settings } = yield* read(printToml(wholeFile), {
        others,
        overrides: { maxTokens: { value: 10, origin: "--max-tokens" } }
      })
      assert.deepStrictEqual(settings.agents[0].kind, { _tag: "Model", model: "qwen", maxTokens: 10 })
      assert.strictEqual(origins.get("agents.ours.maxTokens"), "--max-tokens")
    }))

  it.effect("that were asked for on the command line win over the file", () =>
    Effect.gen(function*() {
      const { origins, settings } = yield* read(file, {
        overrides: {
          repetitions: { value: 2, origin: "--repeat" },
          seed: { value: 9, origin: "CAMPAIGN_SEED" },
          concurrency: { value: { _tag: "Fixed", battles: 8 }, origin: "-j" },
          maxTokens: { value: 10, origin: "--max-tokens" },
          stallPolicy: { value: "enforce", origin: "--stall-policy" },
          stallLimitMillis: { value: 600_000, origin: "--stall-limit" },
          limits: { value: { tickMillis: 2000 }, origin: "--liveness" },
          hardCapMillis: { value: 7_200_000, origin: "--hard-cap" }
        }
      })
      const { agents: [agent], concurrency, hardCapMillis, limits, repetitions, seed } = settings
      assert.deepStrictEqual({ agent: agent.kind, concurrency, hardCapMillis, repetitions, seed } as object, {
        agent: { _tag: "Model", model: null, maxTokens: 10 },
        concurrency: { _tag: "Fixed", battles: 8 },
        hardCapMillis: 7_200_000,
        repetitions: 2,
        seed: 9
      })
      assert.deepStrictEqual(limits, { ...withPatience(defaults, 600_000), tickMillis: 2000 })
      assert.deepStrictEqual(
        [
          "repetitions",
          "seed",
          "concurrency",
          "agents.simulated-model.maxTokens",
          "limits.silentFloorMillis",
          "limits.tickMillis",
          "hardCapMillis",
          "stallPolicy"
        ].map((name) => origins.get(name)),
        [
          "--repeat",
          "CAMPAIGN_SEED",
          "-j",
          "--max-tokens",
          "--stall-limit",
          "--liveness",
          "--hard-cap",
          "--stall-policy"
        ]
      )
    }))

  it.effect("may not contradict each other, whoever says so", () =>
    Effect.gen(function*() {
      const base = "built-in-tasks = \"all\"\n"
      const cases = [
        [
          `${base}[liveness]\ntick = "10s"`,
          {},
          /^campaign.toml:3:1: liveness.tick: the limits contradict each other: tick \(10 s\) is above/
        ],
        [
          `${base}stall-limit = "500ms"`,
          {},
          /^campaign.toml:2:1: stall-limit: the limits contradict .*tick \(1 s\) is above suspect-floor/
        ],
        [
          base,
          { stallLimitMillis: { value: 500, origin: "--stall-limit" } },
          /^--stall-limit: the limits contradict each other/
        ],
        [
          `${base}hard-cap = "30min"`,
          {},
          /^campaign.toml:2:1: hard-cap: the hard cap \(30 min\) must be longer .* raise the cap, or lower stall-limit or first-token-ceiling$/
        ],
        [
          `${base}hard-cap = "2h"\nstall-policy = "warn"`,
          {},
          /^campaign.toml:2:1: hard-cap: the hard cap needs stall-policy enforce: with warn nothing/
        ],
        [
          base,
          { hardCapMillis: { value: 60_000, origin: "--hard-cap" } },
          /^--hard-cap: the hard cap \(60 s\) must be longer/
        ],
        [`${base}hard-cap = "390s"\nstall-limit = "6min"`, {}, /^campaign.toml:2:1: hard-cap: .*6 min 30 s/]
      ] as const
      for (const [text, overrides, expected] of cases) {
        const lines = yield* refusals(text, { overrides })
        assert.match(lines[0]!, expected)
        assert.lengthOf(lines, 1)
      }
    }))
})
