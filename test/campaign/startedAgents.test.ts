/** What an agent that is started by its command finds in its environment of the tap that it has. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { join } from "node:path"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import type { AgentDefinition } from "../../src/campaign/AgentDefinition.ts"
import { asItCan } from "../../src/campaign/AgentFollowing.ts"
import * as startedAgents from "../../src/campaign/parts/startedAgents.ts"
import { agentLine, freePort } from "../support/agentProcesses.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const tap = {
  link: { battle: () => Stream.empty, engineBaseUrl: () => "" },
  engineBaseUrl: "http://tap/agents/theirs/v1"
}

describe("an agent that is started by its command", () => {
  it.live("finds its tap in OPENAI_BASE_URL, unless its own environment says something else", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const nameOf = Effect.fnUntraced(function*(environment: Readonly<Record<string, string>>, isTapped: boolean) {
        const port = yield* freePort
        const url = `http://127.0.0.1:${port}/`
        const command = {
          line: `AGENT_NAME="at $OPENAI_BASE_URL" ${agentLine()}`.replace(" exec ", " "),
          workingDirectory: directory,
          environment: { PORT: String(port), ...environment }
        }
        const agent: AgentDefinition = {
          name: "theirs",
          engine: null,
          concurrency: null,
          following: asItCan,
          kind: { _tag: "Agent", address: { url, tokenVariable: null, command } }
        }
        return yield* Effect.scoped(Effect.gen(function*() {
          const taps = new Map(isTapped ? [["theirs", tap] as const] : [])
          yield* startedAgents.start({ agents: [agent] }, taps, join(directory, `${port}.logs`))
          return (yield* A2aClient.use((client) => client.check({ url, hop: "purple" }))).name
        }))
      })
      const names = yield* Effect.all([
        nameOf({}, true),
        nameOf({ OPENAI_BASE_URL: "http://own/v1" }, true),
        nameOf({ OPENAI_BASE_URL: "http://own/v1" }, false)
      ], { concurrency: 3 })
      assert.deepStrictEqual(names, ["at http://tap/agents/theirs/v1", "at http://own/v1", "at http://own/v1"])
    }).pipe(Effect.provide(A2aClient.layer)))
})
