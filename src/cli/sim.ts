/**
 * `campaign sim`: the simulated engine alone, for tests and for trying things without a GPU.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { catalogueJson } from "../simulator/faults/FaultCatalogue.ts"
import { Simulator } from "../simulator/Simulator.ts"
import { orExit, usageError } from "./CommandError.ts"
import * as flags from "./flags.ts"
import { renderFaults } from "./renderFaults.ts"
import { columnsOfTerminal, HelpSections } from "./renderHelp.ts"
import { helpSections, settingsOf, simulatorFlags } from "./simulatorFlags.ts"

export const sim = Command.make("sim", {
  host: flags.host,
  port: flags.port(8000),
  seed: flags.seed,
  ...simulatorFlags,
  listFaults: Flag.Boolean("list-faults").pipe(
    Flag.withDescription("Print all faults, with what must become of a run that meets each, and end"),
    Flag.withDefault(false)
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("With --list-faults: print them as a JSON array"),
    Flag.withDefault(false)
  )
}, ({ host, json, listFaults, port, seed, ...simulated }) =>
  Effect.gen(function*() {
    if (json && !listFaults) return yield* usageError("--json needs --list-faults, which it writes as JSON")
    if (listFaults) {
      const { canColor } = yield* TerminalCapabilities
      return yield* Console.log(
        json
          ? JSON.stringify(catalogueJson, null, 2)
          : renderFaults({ columns: columnsOfTerminal(), color: canColor })
      )
    }
    const settings = yield* settingsOf(simulated)
    const simulator = yield* orExit(Layer.build(Simulator.layer({ host, port, seed, ...settings })))
    yield* Console.log(
      `simulated engine listens at ${Context.get(simulator, Simulator).url}/v1, model ${settings.model}`
    )
    return yield* Effect.never
  }).pipe(Effect.scoped)).pipe(
    Command.withDescription(
      "Run the simulated engine: an OpenAI-compatible server that behaves like vLLM. Every flag --a-flag has a variable " +
        "CAMPAIGN_A_FLAG, and the flag wins. With CAMPAIGN_SIM_API_KEY set, clients must send that key. Durations are " +
        "written 100ms, 1.5s, 2m, 250us, or as a number of milliseconds."
    ),
    Command.withShortDescription("Run the simulated engine: an OpenAI-compatible server that behaves like vLLM."),
    Command.annotate(HelpSections, helpSections),
    Command.withExamples([
      { command: "campaign sim --port 8000", description: "An engine at http://127.0.0.1:8000/v1" },
      {
        command:
          "campaign sim --port 0 --time-to-first-token 10m --inter-token-latency 5s --sse-keep-alive-interval 15",
        description: "Latency: a very slow one on any free port, with comments in its silence"
      },
      {
        command: "campaign sim --latency-calculator per-token --prefill-overhead 30ms --prefill-time-per-token 250us " +
          "--prefill-time-std-dev 5ms --inter-token-latency 12ms --inter-token-latency-std-dev 2ms",
        description: "Latency: long prompts take longer, as 8B models on one H100 do"
      },
      {
        command: "campaign sim --latency-trace gaps.txt --answer-tokens 2000",
        description: "Latency: the gaps that were measured somewhere else"
      },
      {
        command: "campaign sim --answer-script answers.json --reasoning-tokens 500",
        description: "Answers: from a file, by patterns in the prompt, after some thought"
      },
      {
        command: "campaign sim --max-num-seqs 8 --kv-cache-tokens 2048 --time-factor-under-load 3",
        description: "Scheduling: requests queue, are preempted and slow each other down"
      },
      {
        command: "campaign sim --num-speculative-tokens 3 --headers with-first-token",
        description: "The wire: several tokens per chunk, and headers only with the first of them"
      },
      {
        command: "campaign sim --fail-after-tokens 100 --fail-code 500 --fail-message \"CUDA out of memory\"",
        description: "Failures: every longer answer breaks off"
      },
      {
        command: "campaign sim --fault engine-hang:after-tokens=20,request=3 --fault health-blip:from=60",
        description: "Failures: the engine hangs in the third answer, and /health blinks after a minute"
      },
      {
        command: "campaign sim --failure-injection-rate 10 --failure-types rate_limit,server_error",
        description: "Failures: as llm-d-inference-sim injects them"
      },
      {
        command: "curl -d '{\"fault\": \"engine-hang:for=30\"}' http://127.0.0.1:8000/sim/faults",
        description: "Failures: at once, in an engine that runs"
      }
    ])
  )
