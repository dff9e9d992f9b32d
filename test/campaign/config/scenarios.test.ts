// AgentBeats' scenarios, in all their dialects, as campaigns.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { CampaignSettings } from "../../../src/campaign/config/CampaignSettings.ts"
import { type MemoryRequest, read, refusals } from "./memoryFiles.ts"

const local = `
[green_agent]
endpoint = "http://127.0.0.1:9009"
cmd = "python judge.py --port 9009"

[[participants]]
role = "pro_debater"
endpoint = "http://127.0.0.1:9019"
cmd = "python debater.py --port \${PORT:-9019}"

[[participants]]
role = "con_debater"
endpoint = "http://127.0.0.1:9018"
agentbeats_id = "019b"

[config]
topic = "\${TOPIC:-tea}"
num_rounds = 2
`

const leaderboard = `
[green_agent]
agentbeats_id = "019a"
env = {}

[[participants]]
image = "ghcr.io/somebody/agent:1"
name = "agent"
env = { OPENAI_API_KEY = "\${OPENAI_API_KEY}", LEVEL = "\${LEVEL:-info}" }

[config]
`

const amber = `{
  manifest_version: "0.3.0",
  metadata: { agentbeats_ids: { green: "019d" } },
  components: {
    gateway: {
      manifest: "https://example.org/gateway.json5",
      config: {
        assessment_config: { num_instances: 100, seed: 4 },
        participant_roles: { green: "green", purple1: "coder" },
        callback_urls: { green: "\${bindings.green-proxy.url}" },
      },
    },
    judge: { manifest: "./green.json5", config: {} },
    coding_agent: { manifest: "./purple.json5", config: { key: "\${config.openai_api_key}" } },
  },
  bindings: [
    { to: "#gateway.green", from: "#judge.a2a" },
    { to: "#gateway", slot: "purple1", from: "#coding_agent", capability: "a2a" },
    { to: "#judge.proxy", from: "#gateway.proxy", weak: true, name: "green-proxy" },
  ],
  exports: { results: "#gateway.results" },
}`

const olderAmber = `{
  manifest_version: "0.1.0",
  components: {
    client: {
      manifest: "./client.json5",
      config: {
        participants: { pro: "\${bindings.first.url}", con: "\${bindings.second.url}" },
        assessment_config: { topic: "tea" },
      },
    },
    green: { manifest: "./judge.json5" },
    a: "./debater.json5",
    b: "./debater.json5",
  },
  bindings: [
    { to: "#client.green", from: "#green.a2a", name: "green" },
    { to: "#green.pro", from: "#a.a2a", name: "first" },
    { to: "#green.con", from: "#b.a2a", name: "second" },
  ],
}`

const kindOf = (text: string, request: MemoryRequest) =>
  Effect.gen(function*() {
    const { settings } = yield* read(text, request)
    const stored = JSON.parse(JSON.stringify(settings))
    assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(CampaignSettings)(stored), settings)
    assert.lengthOf(settings.agents, 1)
    assert.lengthOf(settings.tasks, 1)
    const [{ kind, name }] = settings.agents
    const [{ grader, id }] = settings.tasks
    assert.strictEqual(id, "assessment")
    return { name, kind, grader } as object
  })

const agentAt = (url: string, line: string | null = null, environment = {}) => ({
  url,
  tokenVariable: null,
  command: line === null ? null : { line, workingDirectory: "/campaigns/night", environment }
})

describe("a scenario in TOML", () => {
  it.effect("of the local runner is its agents with their commands, and one task, played once", () =>
    Effect.gen(function*() {
      const file = "scenarios/debate/scenario.toml"
      assert.deepStrictEqual(yield* kindOf(local, { file }), {
        name: "pro_debater + con_debater",
        kind: {
          _tag: "Scenario",
          evaluator: agentAt("http://127.0.0.1:9009/", "python judge.py --port 9009"),
          participants: [
            { role: "pro_debater", address: agentAt("http://127.0.0.1:9019/", "python debater.py --port 9019") },
            { role: "con_debater", address: agentAt("http://127.0.0.1:9018/") }
          ]
        },
        grader: { _tag: "Evaluator", config: { topic: "tea", num_rounds: 2 }, score: null }
      })
      const { kind, notes, origins, settings } = yield* read(local, {
        file,
        score: "results.0.score",
        overrides: { repetitions: { value: 4, origin: "--repeat" } }
      })
      assert.deepStrictEqual([kind, notes, settings.engines, settings.repetitions], ["scenario", [], [], 4])
      assert.deepStrictEqual(settings.concurrency, { _tag: "Fixed", battles: 1 })
      assert.strictEqual(
        settings.tasks[0].grader._tag === "Evaluator" && settings.tasks[0].grader.score,
        "results.0.score"
      )
      assert.deepStrictEqual([origins.get("repetitions"), origins.get("seed")], ["--repeat", "default"])
      assert.strictEqual((yield* read(local, { file })).settings.repetitions, 1)
    }))

  it.effect("of a leaderboard is told what its images need", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* refusals(leaderboard, { file: "scenario.toml" }), [
        "scenario.toml:2:2: green_agent: its agentbeats_id names a container image, which this command does not start; start it yourself and say where it is: endpoint = \"http://127.0.0.1:9009\" here, or --address green=URL",
        "scenario.toml:6:3: participants[1]: its image names a container image, which this command does not start; start it yourself and say where it is: endpoint = \"http://127.0.0.1:9009\" here, or --address agent=URL"
      ])
    }))

  it.effect("of a leaderboard runs where its agents have addresses, and keeps variables as they are", () =>
    Effect.gen(function*() {
      const addresses = new Map([["green", "http://127.0.0.1:9009"], ["agent", "http://127.0.0.1:9010"]])
      assert.deepStrictEqual(yield* kindOf(leaderboard, { addresses }), {
        name: "agent",
        kind: {
          _tag: "Scenario",
          evaluator: agentAt("http://127.0.0.1:9009/"),
          participants: [{ role: "agent", address: agentAt("http://127.0.0.1:9010/") }]
        },
        grader: { _tag: "Evaluator", config: {}, score: null }
      })
      const started = leaderboard.replace("agentbeats_id = \"019a\"", "endpoint = \"http://127.0.0.1:9009\"").replace(
        "image = \"ghcr.io/somebody/agent:1\"",
        "endpoint = \"http://127.0.0.1:9010\"\ncmd = \"python agent.py\""
      )
      const { settings } = yield* read(started, { environment: { OPENAI_API_KEY: "k-1" } })
      const { kind } = settings.agents[0]
      assert.deepStrictEqual(
        kind._tag === "Scenario" && kind.participants[0].address,
        agentAt("http://127.0.0.1:9010/", "python agent.py", {
          OPENAI_API_KEY: "${OPENAI_API_KEY}",
          LEVEL: "${LEVEL:-info}"
        })
      )
    }))

  it.effect("takes an address of the command line instead of its own, and then starts nothing", () =>
    Effect.gen(function*() {
      const { settings } = yield* read(local, { addresses: new Map([["pro_debater", "http://far:1"]]) })
      const { kind } = settings.agents[0]
      assert.deepStrictEqual(kind._tag === "Scenario" && kind.participants[0].address, agentAt("http://far:1/"))
    }))

  it.effect("may hold keys of others, which are told and read over", () =>
    Effect.gen(function*() {
      const { notes } = yield* read(
        local.replace("[config]", "[hosting]\nx = 1\n[config]").replace("role = ", "colour = 1\nrole = "),
        {
          file: "scenario.toml"
        }
      )
      assert.deepStrictEqual(notes, [
        "scenario.toml:17: hosting: read over, because nobody here knows it; the nearest that is known is config",
        "scenario.toml:7: participants[1].colour: read over, because nobody here knows it; the nearest that is known is role"
      ])
    }))

  it.effect("is refused for what cannot be an assessment", () =>
    Effect.gen(function*() {
      for (
        const [text, expected] of [
          [
            "[green_agent]\nendpoint = \"http://a\"\n",
            /^campaign.toml:1:1: there are no participants; add \[\[participants\]\]/
          ],
          [
            "participants = []\n[green_agent]\nendpoint = \"http://a\"\n",
            /^campaign.toml:1:1: participants: there are no participants/
          ],
          [
            local.replace("con_debater", "pro_debater"),
            /^campaign.toml:12:1: participants\[2\].role: another participant is "pro_debater" too/
          ],
          [
            local.replace("role = \"con_debater\"", ""),
            /^campaign.toml:11:3: participants\[2\].role: expected a text that is not empty$/
          ],
          [
            local.replace("http://127.0.0.1:9018", "127.0.0.1:9018"),
            /^campaign.toml:13:1: participants\[2\].endpoint: expected an address that begins with http/
          ],
          [local.replace("http://127.0.0.1:9018", "http://a:b@c"), /must not hold a user name or a key/],
          [
            local.replace("endpoint = \"http://127.0.0.1:9009\"", ""),
            /^campaign.toml:2:2: green_agent: has no endpoint; write endpoint = /
          ],
          [
            local.replace("[config]", "[config_]").replace("[green_agent]", "config = 1\n[green_agent]"),
            /^campaign.toml:2:1: config: expected a table/
          ]
        ] as const
      ) {
        const lines = yield* refusals(text)
        assert.match(lines[0]!, expected)
        assert.lengthOf(lines, 1)
      }
    }))
})

describe("a scenario of Amber", () => {
  const file = "scenario.json5"

  it.effect("runs at the addresses of its roles, or of its components", () =>
    Effect.gen(function*() {
      const expected = {
        name: "coder",
        kind: {
          _tag: "Scenario",
          evaluator: agentAt("http://127.0.0.1:9009/"),
          participants: [{ role: "coder", address: agentAt("http://127.0.0.1:9010/") }]
        },
        grader: { _tag: "Evaluator", config: { num_instances: 100, seed: 4 }, score: null }
      }
      for (const green of ["green", "judge"]) {
        const addresses = new Map([[green, "http://127.0.0.1:9009"], ["coding_agent", "http://127.0.0.1:9010"]])
        assert.deepStrictEqual(yield* kindOf(amber, { file, addresses }), expected)
      }
    }))

  it.effect("of the older kind has its participants by their bindings", () =>
    Effect.gen(function*() {
      const addresses = new Map([["green", "http://g"], ["a", "http://a"], ["con", "http://b"]])
      assert.deepStrictEqual(yield* kindOf(olderAmber, { file, addresses }), {
        name: "pro + con",
        kind: {
          _tag: "Scenario",
          evaluator: agentAt("http://g/"),
          participants: [{ role: "pro", address: agentAt("http://a/") }, { role: "con", address: agentAt("http://b/") }]
        },
        grader: { _tag: "Evaluator", config: { topic: "tea" }, score: null }
      })
    }))

  it.effect("is refused in one line that names what is needed", () =>
    Effect.gen(function*() {
      for (
        const [text, expected] of [
          [
            amber,
            "scenario.json5:4:3: components: only Amber starts these components; start them by it or yourself, and say where they are: --address green=URL --address coder=URL"
          ],
          [
            "{ manifest_version: '1' }",
            "scenario.json5:1:1: this manifest has no components; a scenario has a gateway, a green agent and participants"
          ],
          [
            "{ manifest_version: '1', components: { a: './a.json5' } }",
            "scenario.json5:1:26: components: no component has an assessment_config"
          ],
          [
            amber.replace("purple1: \"coder\"", ""),
            "scenario.json5:7:7: components.gateway.config: expected participant_roles with the green agent"
          ],
          [
            amber.replace("seed: 4", "seed: \"${config.seed}\""),
            "components.gateway.config.assessment_config.seed: ${config.seed} is filled in by Amber alone; write the value itself"
          ]
        ] as const
      ) {
        const addresses = new Map([["judge", "http://g"], ["coding_agent", "http://a"]])
        const lines = yield* refusals(text, text === amber ? { file } : { file, addresses })
        assert.include(lines[0]!, expected)
        assert.lengthOf(lines, 1)
      }
    }))
})
