/**
 * A green agent with a grader of your own: it plays two battles against a purple agent, grades them by a function, and gives
 * back AgentBeats' result artifact.
 *
 *     node --conditions=a2a-campaign-source examples/ownGrader.ts
 *
 * A task names your grader, and its settings, in plain data, so the same tasks can come from a file, from AgentBeats or from
 * another machine. What goes wrong in the grader leaves a battle unscored; it is never a score of 0.
 */
import { A2aClient } from "a2a-campaign/A2aClient"
import { Engine } from "a2a-campaign/Engine"
import { Grader } from "a2a-campaign/Grader"
import { GreenAgent } from "a2a-campaign/GreenAgent"
import * as Liveness from "a2a-campaign/Liveness"
import { PurpleAgent } from "a2a-campaign/PurpleAgent"
import { Simulator } from "a2a-campaign/Simulator"
import { WatchedEngine } from "a2a-campaign/WatchedEngine"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

// The grader: what a task may say to it, and what it makes of an answer.

const haiku = Grader.own({
  settings: Schema.Struct({ about: Schema.NonEmptyString }),
  grade: ({ answer, settings: { about } }) => {
    const lines = answer.trim().split("\n")
    if (lines.length !== 3) return Effect.succeed({ score: 0, explanation: `${lines.length} lines, and not 3` })
    return Effect.succeed(
      answer.toLowerCase().includes(about)
        ? { score: 1, explanation: `three lines about ${about}` }
        : { score: 0.5, explanation: `three lines, but not about ${about}` }
    )
  }
})

const task = (id: string, about: string) => ({
  id,
  prompt: `Write a haiku about ${about}.`,
  grader: { _tag: "Own", kind: "haiku", settings: { about } }
})

// A client, such as AgentBeats: an assessment request in, log lines and one artifact out.

const program = Effect.gen(function*() {
  const purple = yield* PurpleAgent
  const green = yield* GreenAgent
  const client = yield* A2aClient
  const request = {
    participants: { poet: purple.url },
    config: { tasks: [task("pond", "frog"), task("sea", "whale")] }
  }
  yield* client.send({ url: green.url, hop: "green", text: JSON.stringify(request) }).pipe(
    Stream.runForEach((event) =>
      Effect.sync(() => {
        if (event._tag === "Status" && event.text !== "") console.log(event.text)
        if (event._tag !== "Artifact") return
        const [part] = event.parts
        if (part?._tag === "Data") console.log(JSON.stringify((part.data as { summary: unknown }).summary))
      })
    )
  )
})

const simulator = Simulator.layer({
  host: "127.0.0.1",
  port: 0,
  timeToFirstTokenMillis: 10,
  interTokenMillis: 1,
  answers: {
    _tag: "Script",
    entries: [
      { pattern: "frog", answers: ["The old pond is still.\nA frog leaps into the sun.\nThe sound of water."] },
      { pattern: "whale", answers: ["Waves upon the sand.\nThe moon is a silver coin.\nNobody buys it."] }
    ]
  }
})

// For your own engine only this changes: Engine.layer({ baseUrl: "http://127.0.0.1:8000/v1", model: "my-model" })
const engine = Layer.unwrap(
  Simulator.useSync(({ url }) => Engine.layer({ baseUrl: `${url}/v1`, model: "simulated-model" }))
).pipe(Layer.provide(simulator))

const purple = PurpleAgent.layer({ host: "127.0.0.1", port: 0 }).pipe(
  Layer.provide(WatchedEngine.layer()),
  Layer.provide([engine, Liveness.EngineEvidence.layerNone, Liveness.LimitLearner.layerMemory()])
)

const green = GreenAgent.layer({
  host: "127.0.0.1",
  port: 0,
  description: {
    name: "haiku jury",
    description: "Has purple agents write haiku, and grades them.",
    version: "1",
    skill: { id: "assess", name: "assess", description: "Grades haiku.", tags: ["evaluation", "agentbeats"] }
  }
}).pipe(Layer.provide(Grader.layerOwn({ haiku })))

const services = Layer.mergeAll(purple, green).pipe(
  Layer.provideMerge([A2aClient.layer, Liveness.Ticker.layer()])
)

await Effect.runPromise(Effect.provide(program, services))
