/**
 * A purple agent with logic of your own: it asks its model, does what the model calls for, asks again, and streams all of it.
 *
 *     node --conditions=a2a-campaign-source examples/toolAgent.ts
 *
 * Every call of the model is watched by itself. While the tool runs the agent says so, in a line and in heartbeats, so that
 * the client at the far end, which watches the whole task as one run, can tell work from a hang.
 */
import { A2aClient, watchTask } from "a2a-campaign/A2aClient"
import * as AgentWork from "a2a-campaign/AgentWork"
import { Engine, type EngineMessage, type EngineTool } from "a2a-campaign/Engine"
import * as Liveness from "a2a-campaign/Liveness"
import { PurpleAgent } from "a2a-campaign/PurpleAgent"
import type { AgentExecutor, AgentRequest } from "a2a-campaign/Relay"
import { Simulator } from "a2a-campaign/Simulator"
import type { TaskEvent } from "a2a-campaign/TaskEvent"
import type { ToolCall } from "a2a-campaign/Transcript"
import { WatchedEngine } from "a2a-campaign/WatchedEngine"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

// The tool: any effect of yours, with errors of its own.

class NoWeather extends Schema.TaggedError<NoWeather>()("NoWeather", { city: Schema.String }) {}

const weather: EngineTool = {
  name: "weather",
  description: "The weather in a city now.",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] }
}

const Arguments = Schema.fromJsonString(Schema.Struct({ city: Schema.String }))

const lookUp = Effect.fnUntraced(function*({ arguments: given, id }: ToolCall) {
  const { city } = yield* Schema.decodeEffect(Arguments)(given)
  yield* Effect.sleep("150 millis")
  if (city !== "Bern") return yield* new NoWeather({ city })
  const result: EngineMessage = { role: "tool", content: "4 degrees, rain", toolCallId: id }
  return result
})

// The agent: ask; where the model calls a tool, run it and ask again with what it gave.

const converse = (
  request: AgentRequest,
  messages: ReadonlyArray<EngineMessage>
): Stream.Stream<TaskEvent, Liveness.RunError, WatchedEngine> =>
  AgentWork.ask(request, { messages, tools: [weather] }).pipe(
    AgentWork.andThen(({ content, toolCalls }) =>
      toolCalls.length === 0 ? Stream.empty : AgentWork.during(
        { says: "looks up the weather", limit: "10 seconds", heartbeat: "50 millis" },
        Effect.map(
          Effect.forEach(toolCalls, lookUp),
          (results) => converse(request, [...messages, { role: "assistant", content, toolCalls }, ...results])
        )
      )
    ),
    Stream.catchTags({
      NoWeather: ({ city }) => Stream.fail(AgentWork.failed(`the weather of ${city} is not known`)),
      SchemaError: () => Stream.fail(AgentWork.failed("the model called the tool without a city"))
    })
  )

/** What was said before in the same context, so that the model can be told it again. */
const conversations = new AgentWork.Conversations()

const executor: AgentExecutor<WatchedEngine> = (request) =>
  AgentWork.asOneAnswer(conversations.turn(request, (messages) => converse(request, messages)))

// A client at the far end: it watches the task, and sees every token and what the agent is at.

const ask = Effect.fnUntraced(function*(url: string, text: string) {
  const client = yield* A2aClient
  let phase = ""
  let answer = ""
  yield* client.send({ url, hop: "purple", text }).pipe(
    watchTask({
      run: { hop: "purple", attempt: 1, endpoint: url, model: "" },
      onVerdict: (verdict) => {
        if (verdict._tag !== "Alive" || verdict.phase === phase || verdict.phase === "awaiting") return
        phase = verdict.phase
        console.log(phase)
      }
    }),
    Stream.runForEach((event) =>
      Effect.sync(() => {
        if (event._tag === "Delta") answer += event.text
        if (event._tag === "Status" && event.text !== "") console.log(`it says: ${event.text}`)
        if (event._tag === "Finish") console.log(`it answers: ${answer} (${event.reason})`)
      })
    ),
    Effect.catch((error) => Effect.sync(() => console.log(error.message)))
  )
})

const program = Effect.gen(function*() {
  const { url } = yield* PurpleAgent
  yield* ask(url, "Do I need a coat in Bern?")
  yield* ask(url, "Do I need a coat on Mars?")
})

const simulator = Simulator.layer({
  host: "127.0.0.1",
  port: 0,
  timeToFirstTokenMillis: 20,
  interTokenMillis: 5,
  answers: {
    _tag: "Script",
    entries: [
      { pattern: "4 degrees", answers: ["Yes: it rains, at 4 degrees."] },
      {
        pattern: "Bern",
        answers: ["<tool_call>{\"name\": \"weather\", \"arguments\": {\"city\": \"Bern\"}}</tool_call>"]
      },
      {
        pattern: "Mars",
        answers: ["<tool_call>{\"name\": \"weather\", \"arguments\": {\"city\": \"Mars\"}}</tool_call>"]
      }
    ]
  }
})

// For your own engine only this changes: Engine.layer({ baseUrl: "http://127.0.0.1:8000/v1", model: "my-model" })
const engine = Layer.unwrap(
  Simulator.useSync(({ url }) => Engine.layer({ baseUrl: `${url}/v1`, model: "simulated-model" }))
).pipe(Layer.provide(simulator))

const agent = PurpleAgent.layerWith({
  host: "127.0.0.1",
  port: 0,
  description: {
    name: "coat adviser",
    description: "Looks up the weather before it answers.",
    version: "1",
    skill: { id: "advise", name: "advise", description: "Says whether to take a coat.", tags: ["example"] }
  },
  executor
}).pipe(
  Layer.provide(WatchedEngine.layer()),
  Layer.provide([engine, Liveness.EngineEvidence.layerNone, Liveness.LimitLearner.layerMemory()])
)

const services = Layer.mergeAll(agent, A2aClient.layer).pipe(Layer.provideMerge(Liveness.Ticker.layer()))

await Effect.runPromise(Effect.provide(program, services))
