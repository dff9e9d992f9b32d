/**
 * The images of our agents, as far as they can be held without Docker: the contract with AgentBeats that the Dockerfile
 * states, that it copies what is there, and that the command line which a container runs, with the container's variables,
 * serves an agent that its health check finds.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import * as AddressRule from "../../src/a2a/AddressRule.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { freePort } from "../support/agentProcesses.ts"
import { root, start } from "../support/command.ts"
import { inherited, stagesOf } from "../support/dockerfile.ts"

const textOf = (file: string) => readFileSync(join(root, file), "utf8")
const stages = stagesOf(textOf("Dockerfile"))
const agents = ["purple", "green"]

const last = (stage: string, instruction: string) => inherited(stages, stage, instruction).at(-1)!

const variablesOf = (stage: string): Record<string, string> =>
  Object.fromEntries(
    inherited(stages, stage, "ENV").flatMap((text) =>
      text.split(/\s+/).map((pair) => pair.split("=") as [string, string])
    )
  )

/** What COPY takes from the folder of the build. */
const copied = [...stages.values()].flatMap(({ instructions }) =>
  instructions.filter(({ name, text }) => name === "COPY" && !text.startsWith("--from")).flatMap(({ text }) =>
    text.split(/\s+/).slice(0, -1)
  )
)

/** The agent of an image at a free port of loopback, started as AgentBeats does, with another name on its card. */
const serve = Effect.fnUntraced(function*(stage: string, environment: Record<string, string> = {}) {
  const port = yield* freePort
  const [command, ...words] = JSON.parse(last(stage, "ENTRYPOINT")) as ReadonlyArray<string>
  assert.strictEqual(command, "campaign")
  const running = yield* start(
    [...words, "--host", "127.0.0.1", "--port", String(port), "--card-url", `http://localhost:${port}`],
    { environment: { ...variablesOf(stage), ...environment } }
  )
  yield* running.line(/listens at/)
  const check = () =>
    spawnSync("sh", ["-c", last(stage, "HEALTHCHECK").replace(/^.*?CMD /, "")], {
      env: { PATH: process.env["PATH"], CAMPAIGN_PORT: String(port) }
    }).status
  return { ...running, url: `http://127.0.0.1:${port}/`, check }
})

describe("the images of the agents", () => {
  it("are for linux/amd64 and the Node.js that everything is tested with", () => {
    const images = [...stages.values()].filter(({ base }) => !stages.has(base))
    const { devDependencies } = JSON.parse(textOf("package.json")) as { devDependencies: Record<string, string> }
    for (const { base, platform } of images) {
      assert.strictEqual(platform, "linux/amd64")
      assert.match(base, new RegExp(`^node:${devDependencies["node"]}-`))
    }
    assert.lengthOf(images, 3)
  })

  it("let nobody be root, listen at 9009 for everybody, and have curl for the health check", () => {
    for (const stage of agents) {
      assert.strictEqual(last(stage, "USER"), "node")
      assert.strictEqual(last(stage, "EXPOSE"), "9009")
      assert.include(variablesOf(stage), { CAMPAIGN_HOST: "0.0.0.0", CAMPAIGN_PORT: "9009" })
      assert.isTrue(inherited(stages, stage, "RUN").some((text) => /apt-get install .* curl\b/.test(text)))
      assert.match(last(stage, "HEALTHCHECK"), /CMD curl -f.*\$\{CAMPAIGN_PORT\}\/\.well-known\/agent-card\.json"$/)
    }
  })

  it("let the green one go where participants are in a container, and not to what tells secrets of a cloud", () => {
    const patterns = variablesOf("green")["CAMPAIGN_ALLOW_PARTICIPANT"]!.split(",").map(AddressRule.parsePattern)
    const rule = AddressRule.forListener("0.0.0.0", patterns.map(Result.getOrThrow))
    const refused = ["127.0.0.1", "::1", "172.18.0.3", "10.1.2.3", "192.168.0.9", "169.254.169.254", "fd00:ec2::254"]
      .filter(
        (address) => AddressRule.refusedKind(rule, { host: "purple", port: "9009" }, address) !== undefined
      )
    assert.deepStrictEqual(refused, ["169.254.169.254", "fd00:ec2::254"])
  })

  it("are made of files that are there, and of nothing else in the folder", () => {
    assert.deepStrictEqual(copied.filter((path) => !existsSync(join(root, path))), [])
    const ignored = textOf(".dockerignore").split("\n").filter((line) => line !== "" && !line.startsWith("#"))
    assert.deepStrictEqual(ignored.toSorted(), ["*", ...new Set(copied.map((path) => `!${path}`))].toSorted())
  })

  it("have what the scripts of the package name, so that it can be packed", () => {
    const { scripts } = JSON.parse(textOf("package.json")) as { scripts: Record<string, string> }
    const named = ["prepare", "prepack", "build"].flatMap((name) =>
      [...(scripts[name] ?? "").matchAll(/(?<= )(?:[\w.-]+\/[\w./*-]+|tsconfig[\w.]*\.json)/g)].map(([path]) => path)
    ).filter((path) => !path.startsWith("dist/"))
    assert.isNotEmpty(named)
    const inImage = stages.get("package")!.instructions.filter(({ name }) => name === "COPY").flatMap(({ text }) =>
      text.split(" ").slice(0, -1)
    )
    const lacking = named.filter((path) => !inImage.some((copy) => path === copy || path.startsWith(`${copy}/`)))
    assert.deepStrictEqual(lacking, [])
  })

  it.live("serve agents that are found healthy, and the green one plays against the purple one", () =>
    Effect.gen(function*() {
      const simulator = Context.get(
        yield* Layer.build(
          Simulator.layer({ host: "127.0.0.1", port: 0, timeToFirstTokenMillis: 20, interTokenMillis: 2 })
        ),
        Simulator
      )
      const engine = { CAMPAIGN_ENGINE: `${simulator.url}/v1`, CAMPAIGN_MODEL: "simulated-model" }
      const [purple, green] = yield* Effect.all([serve("purple", engine), serve("green")], { concurrency: 2 })
      assert.strictEqual(purple.check(), 0)
      assert.strictEqual(green.check(), 0)
      const card = yield* Effect.promise(() =>
        fetch(`${green.url}.well-known/agent-card.json`).then((response) => response.json() as Promise<{ url: string }>)
      )
      assert.strictEqual(card.url, green.url.replace("127.0.0.1", "localhost"))

      const text = JSON.stringify({ participants: { agent: purple.url }, config: { tasks: ["run-length"] } })
      const events = yield* A2aClient.use((client) =>
        Effect.scoped(client.send({ url: green.url, hop: "green", text }).pipe(Stream.runCollect))
      ).pipe(Effect.provide(A2aClient.layer))
      assert.match(JSON.stringify(events), /"score":/)
      green.child.kill("SIGTERM")
      assert.strictEqual(yield* green.exit, 130)
      assert.notStrictEqual(green.check(), 0)
    }))
})
