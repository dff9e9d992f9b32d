/** A campaign that is written in a program is read as the same tables in a file are, and refused in the same words. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { type CampaignInput, define } from "../../../src/campaign/config/CampaignInput.ts"
import { initialFile } from "../../../src/campaign/config/initialFile.ts"
import { readConfig } from "../../../src/campaign/config/readConfig.ts"
import * as TomlDocument from "../../../src/campaign/config/TomlDocument.ts"
import { temporaryDirectory } from "../../support/temporaryDirectory.ts"

/** What the text says as a file, and its tables as a value: settings, or the message without the place. */
const bothWays = Effect.fnUntraced(function*(text: string) {
  const file = join(yield* temporaryDirectory, "campaign.toml")
  writeFileSync(file, text)
  const document = yield* Effect.fromResult(TomlDocument.parse("campaign.toml", text))
  const fromFile = yield* Effect.result(
    readConfig({ file, currentDirectory: "/", lookup: () => undefined }).pipe(Effect.provide(NodeServices.layer))
  )
  const fromValue = yield* Effect.result(define(document.value as CampaignInput))
  return {
    file: Result.match(fromFile, {
      onSuccess: ({ name, settings }): unknown => ({ id: name ?? "campaign", ...settings }),
      onFailure: ({ message }) => message.split("\n").map((line) => line.replace(/^\S+:\d+:\d+: /, "")).toSorted()
    }),
    value: Result.match(fromValue, {
      onSuccess: (definition): unknown => definition,
      onFailure: ({ message }) => message.split("\n").map((line) => line.replace(/^settings: /, "")).toSorted()
    })
  }
})

describe("a campaign written in a program", () => {
  it.effect("comes to what the file of the same tables comes to", () =>
    Effect.gen(function*() {
      for (
        const text of [
          initialFile,
          "built-in-tasks = [\"run-length\"]\n[liveness]\nfrozen-floor = \"90s\"\n[policy]\nwait = \"2h\"",
          `concurrency = { most = 4 }
          [[engine]]
          name = "gpu"
          url = "http://127.0.0.1:8000"
          [[agent]]
          name = "mine"
          engine = "gpu"
          [judge]
          engine = "gpu"
          [[task]]
          id = "sky"
          prompt = "Why is it blue?"
          [task.grader]
          kind = "model"
          rubric = "1 if it is right."`
        ]
      ) {
        const { file, value } = yield* bothWays(text)
        assert.deepStrictEqual(value, file)
        assert.isFalse(Array.isArray(value), String(value))
      }
    }).pipe(Effect.scoped))

  it.effect("is refused for all that is wrong with it, in the words of the file", () =>
    Effect.gen(function*() {
      for (
        const text of [
          "repeat = 0\nseeed = 1\nbuilt-in-tasks = \"all\"",
          "built-in-tasks = \"all\"\n[[engine]]\nname = \"gpu\"\nurl = \"ftp://there\"\n[[agent]]\nname = \"a\"\nengine = \"gpuu\"",
          "[[task]]\nid = \"a\"\nprompt = \"b\"\ngrader = { kind = \"texxt\" }",
          "built-in-tasks = \"all\"\nhard-cap = \"1s\"",
          ""
        ]
      ) {
        const { file, value } = yield* bothWays(text)
        assert.isTrue(Array.isArray(value), text)
        assert.deepStrictEqual(value, file)
      }
    }).pipe(Effect.scoped))

  it.effect("names what is there twice by its path, and keeps what looks like a variable as it is", () =>
    Effect.gen(function*() {
      const agent = { name: "a", engine: "gpu" }
      const engine = [{ name: "gpu", url: "http://127.0.0.1:8000/v1" }]
      const grader = { kind: "text", match: "contains", expected: "${HOME}" } as const
      const twice = yield* Effect.flip(define({ engine, agent: [agent, agent], "built-in-tasks": "all" }))
      assert.strictEqual(
        twice.message,
        "settings: agent[2].name: another agent is called \"a\" too (agent[1].name); give one of them another name"
      )
      const { tasks } = yield* define({ engine, agent: [agent], task: [{ id: "t", prompt: "Say ${HOME}", grader }] })
      assert.strictEqual(tasks[0].prompt, "Say ${HOME}")
    }))
})
