/**
 * The flags that make the simulated engine misbehave: faults of the catalogue by name, and llm-d-inference-sim's words
 * for some of them.
 *
 * All become texts of faults (faults/FaultSpecification.ts), so that the simulator knows one language only.
 */
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as FailureInjection from "../simulator/faults/FailureInjection.ts"
import * as FaultSpecification from "../simulator/faults/FaultSpecification.ts"
import { inputError, usageError } from "./CommandError.ts"
import { optional, text, time, variableOf } from "./flagKinds.ts"
import { readText } from "./simulatorFiles.ts"

const percent = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 100 }))

export const faultFlags = {
  fault: Flag.String("fault").pipe(
    Flag.withMetavar("FAULT"),
    Flag.withDescription(
      "A fault of --list-faults, such as engine-hang:after-tokens=20,request=3 or " +
        "\"queue-full:probability=0.1; metrics-slow:from=60,for=30\"; may be given more than once"
    ),
    Flag.atLeast(1),
    Flag.withFallbackConfig(Config.map(Config.String(variableOf("fault")), (faults) => [faults])),
    Flag.withDefault([])
  ),
  faultScript: optional(text("fault-script", {
    metavar: "FILE",
    description:
      "Faults from a file, one per line such as metrics-down:from=60,for=30, # for comments: a script over time"
  })),
  failureInjectionRate: Flag.Finite("failure-injection-rate").pipe(
    Flag.withMetavar("PERCENT"),
    Flag.withSchema(percent),
    Flag.withDescription("Refuse so many requests of 100 with one of --failure-types, such as 10 (0)"),
    Flag.withFallbackConfig(Config.schema(percent, variableOf("failure-injection-rate"))),
    Flag.withDefault(0)
  ),
  failureTypes: optional(text("failure-types", {
    metavar: "TYPES",
    description: `How they are refused, such as rate_limit,server_error (all: ${FailureInjection.allTypes.join(", ")})`
  })),
  startupDurationMillis: time(
    "startup-duration",
    "Refuse connections for so long, as while vLLM loads its model, such as 30s (0)"
  )
}

interface Values {
  readonly fault: ReadonlyArray<string>
  readonly faultScript: string | undefined
  readonly failureInjectionRate: number
  readonly failureTypes: string | undefined
  readonly startupDurationMillis: number | undefined
}

const failuresOf = ({ failureInjectionRate: percentage, failureTypes: names }: Values) => {
  if (names === undefined) return Effect.succeed(FailureInjection.faultsOf(percentage, []))
  if (percentage === 0) {
    return Effect.fail(usageError("--failure-types needs --failure-injection-rate, which says how often to fail"))
  }
  const types = names.split(/[\s,]+/).filter((name) => name !== "")
  const unknown = types.find((name) => !FailureInjection.isType(name))
  return unknown !== undefined || types.length === 0
    ? Effect.fail(
      usageError(
        `--failure-types: there is no "${unknown ?? ""}"; the types are ${FailureInjection.allTypes.join(", ")}`
      )
    )
    : Effect.succeed(FailureInjection.faultsOf(percentage, types.filter(FailureInjection.isType)))
}

const readScript = Effect.fnUntraced(function*(file: string) {
  const lines = (yield* readText("fault-script", file)).split("\n")
  const faults: Array<string> = []
  for (const [index, full] of lines.entries()) {
    const line = full.replace(/#.*/, "").trim()
    if (line === "") continue
    const read = FaultSpecification.read(line)
    if (Result.isFailure(read)) {
      return yield* inputError(`--fault-script ${file}: line ${index + 1}: ${read.failure}`)
    }
    faults.push(line)
  }
  return faults
})

/** The faults that the flags ask for, as texts. Fails with wrong usage, or with one line about the file. */
export const faultsOf = Effect.fn("faultFlags.faultsOf")(function*(values: Values) {
  for (const fault of values.fault) {
    const read = FaultSpecification.read(fault)
    if (Result.isFailure(read)) return yield* usageError(`--fault: ${read.failure}`)
  }
  const startup = (values.startupDurationMillis ?? 0) / 1000
  return [
    ...values.fault,
    ...values.faultScript === undefined ? [] : yield* readScript(values.faultScript),
    ...yield* failuresOf(values),
    ...startup === 0 ? [] : [`connection-refused:from=0,for=${startup}`]
  ]
})
