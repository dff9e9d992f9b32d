/**
 * `campaign sim`: the simulated engine alone, for tests and for trying things without a GPU.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Simulator } from "../simulator/Simulator.ts"
import { orExit } from "./CommandError.ts"
import * as flags from "./flags.ts"

const milliseconds = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

export const sim = Command.make("sim", {
  host: flags.host,
  port: flags.port(8000),
  model: Flag.String("model").pipe(
    Flag.withDescription("The name of the model it serves"),
    Flag.withDefault("simulated-model")
  ),
  seed: flags.seed,
  timeToFirstTokenMillis: Flag.Finite("time-to-first-token").pipe(
    Flag.withSchema(milliseconds),
    Flag.withDescription("Mean time to the first token, in milliseconds"),
    Flag.withDefault(400)
  ),
  interTokenMillis: Flag.Finite("inter-token-latency").pipe(
    Flag.withSchema(milliseconds),
    Flag.withDescription("Mean time between two tokens, in milliseconds; 0 = as fast as possible"),
    Flag.withDefault(20)
  ),
  maxConcurrentRequests: Flag.Int("max-num-seqs").pipe(
    Flag.withSchema(Schema.Int.check(Schema.isGreaterThan(0))),
    Flag.withDescription("Requests answered at once; more wait in a queue"),
    Flag.withDefault(256)
  ),
  streamInterval: Flag.Int("stream-interval").pipe(
    Flag.withSchema(Schema.Int.check(Schema.isGreaterThan(0))),
    Flag.withDescription("Tokens per streamed chunk"),
    Flag.withDefault(1)
  )
}, (options) =>
  Effect.gen(function*() {
    const simulator = yield* Simulator
    yield* Console.log(`simulated engine listens at ${simulator.url}/v1, model ${options.model}`)
    return yield* Effect.never
  }).pipe(Effect.provide(Simulator.layer(options)), orExit)).pipe(
    Command.withDescription("Run the simulated engine: an OpenAI-compatible server that behaves like vLLM."),
    Command.withExamples([
      { command: "campaign sim --port 8000", description: "An engine at http://127.0.0.1:8000/v1" },
      { command: "campaign sim --port 0 --inter-token-latency 5000", description: "A very slow one, on any free port" }
    ])
  )
