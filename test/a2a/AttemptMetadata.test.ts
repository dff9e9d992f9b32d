/** What a client says of its attempt, from its message to the agent behind the agent. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import type { AgentRequest } from "../../src/a2a/AgentExecutor.ts"
import { AttemptMetadata, encode, read } from "../../src/a2a/AttemptMetadata.ts"
import { agent, said } from "../support/agents.ts"

describe("AttemptMetadata", () => {
  it.prop("is read as it was written", [AttemptMetadata], ([said]) => {
    assert.deepStrictEqual(read(JSON.parse(JSON.stringify(encode(said)))), JSON.parse(JSON.stringify(said)))
  }, { arbitrary: { runs: 1000 } })

  it.prop("takes whatever else is there for nothing said", [Schema.Json], ([json]) => {
    const metadata = encode(json as never)
    const { attempt, patience } = read(metadata)
    assert.isTrue(Number.isInteger(attempt) && attempt >= 1 && patience >= 1 && patience <= 100)
    assert.deepStrictEqual(read(undefined), { attempt: 1, patience: 1 })
  }, { arbitrary: { runs: 1000 } })

  it.live("reaches the agent, and nothing said is the first attempt", () =>
    Effect.gen(function*() {
      const requests: Array<AgentRequest> = []
      const { url } = yield* agent((request) => {
        requests.push(request)
        return Stream.make(said("a"))
      })
      const client = yield* A2aClient
      const send = (more: { readonly said?: AttemptMetadata }) =>
        Stream.runDrain(client.send({ url, hop: "purple", text: "hi", ...more }))
      yield* send({ said: { attempt: 3, patience: 2 } })
      yield* send({})
      assert.deepStrictEqual(requests.map((request) => request.said), [
        { attempt: 3, patience: 2 },
        { attempt: 1, patience: 1 }
      ])
    }).pipe(Effect.scoped, Effect.provide(A2aClient.layer)))
})
