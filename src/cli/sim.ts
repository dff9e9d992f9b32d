/**
 * `campaign sim`: the simulated engine alone, for tests and for trying things without a GPU.
 */
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { Simulator } from "../simulator/Simulator.ts"
import { orExit } from "./CommandError.ts"
import * as flags from "./flags.ts"

export const sim = Command.make("sim", {
  host: flags.host,
  port: flags.port(8000),
  seed: flags.seed,
  ...flags.simulated
}, (options) =>
  Effect.gen(function*() {
    const simulator = yield* Simulator
    yield* Console.log(`simulated engine listens at ${simulator.url}/v1, model ${options.model}`)
    return yield* Effect.never
  }).pipe(Effect.provide(Simulator.layer(options)), orExit)).pipe(
    Command.withDescription("Run the simulated engine: an OpenAI-compatible server that behaves like vLLM."),
    Command.withExamples([
      { command: "campaign sim --port 8000", description: "An engine at http://127.0.0.1:8000/v1" },
      { command: "campaign sim --port 0 --inter-token-latency 5000", description: "A very slow one, on any free port" },
      {
        command: "campaign sim --time-to-first-token 600000 --sse-keep-alive-interval 15",
        description: "Ten minutes of comments before the first token"
      },
      {
        command: "campaign sim --reasoning-tokens 500 --num-speculative-tokens 3",
        description: "A model that thinks first, with several tokens per chunk"
      },
      {
        command: "campaign sim --max-num-seqs 8 --kv-cache-tokens 2048 --time-factor-under-load 3",
        description: "A crowded one: requests queue, are preempted and slow each other down"
      }
    ])
  )
