/**
 * llm-d-inference-sim's `/admin/config`: what can be changed while the server runs, by its names.
 *
 * `GET` tells the present values, `POST` changes those that its body names and tells all; what it names wrongly, or what
 * cannot be changed here, is refused with 400 and changes nothing. Requests that are already there keep what they have,
 * but the factor under load, which is the engine's.
 *
 * Times are told in milliseconds and may be written as everywhere. The faults of `failure-injection-rate` take the place
 * of the ones before; those of /sim/faults are not touched, though they are in the same list.
 */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { badRequest } from "./ErrorBody.ts"
import * as FailureInjection from "./faults/FailureInjection.ts"
import type { FaultBoard } from "./faults/FaultBoard.ts"
import * as FaultSpecification from "./faults/FaultSpecification.ts"
import { latencyFields, type LatencyOptions } from "./LatencyOptions.ts"
import * as RequestBody from "./RequestBody.ts"

const Factor = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(1))

const { jsonUnsafe } = HttpServerResponse

interface TimeFactor {
  readonly timeFactorUnderLoad: number
}

/** Their names, and ours. */
const latencyNames = {
  "latency-calculator": "latencyCalculator",
  "time-to-first-token": "timeToFirstTokenMillis",
  "time-to-first-token-std-dev": "timeToFirstTokenDeviationMillis",
  "inter-token-latency": "interTokenMillis",
  "inter-token-latency-std-dev": "interTokenDeviationMillis",
  "prefill-overhead": "prefillOverheadMillis",
  "prefill-time-per-token": "prefillMillisPerToken",
  "prefill-time-std-dev": "prefillDeviationMillis",
  "kv-cache-transfer-latency": "kvCacheTransferMillis",
  "kv-cache-transfer-latency-std-dev": "kvCacheTransferDeviationMillis",
  "kv-cache-transfer-time-per-token": "kvCacheTransferMillisPerToken",
  "kv-cache-transfer-time-std-dev": "kvCacheTransferPerTokenDeviationMillis",
  "time-factor-under-load": "timeFactorUnderLoad"
} as const satisfies Record<string, keyof (LatencyOptions & TimeFactor)>

const Latency = Schema.Struct({ ...latencyFields, timeFactorUnderLoad: Factor })
const decodeLatency = Schema.decodeUnknownResult(Latency)

const FailureType = Schema.Literals(FailureInjection.allTypes)
const Failures = Schema.Struct({
  "failure-injection-rate": Schema.optional(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 100 }))),
  "failure-types": Schema.optional(Schema.Array(FailureType))
})
const decodeFailures = Schema.decodeUnknownResult(Failures)

const decodeObject = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))

const flat = ({ message }: { readonly message: string }) => message.replaceAll(/\s*\n\s*/g, " ")

export interface AdminConfig {
  /** The times of requests that come now. */
  readonly latency: () => LatencyOptions
  /** How much longer they are when all places are taken, now. */
  readonly timeFactor: () => number
  readonly routes: Layer.Layer<never, never, HttpRouter.HttpRouter>
}

/** The values at the start, and the routes that change them. */
export const make = (initial: LatencyOptions & TimeFactor, board: FaultBoard): AdminConfig => {
  let latency: LatencyOptions & TimeFactor = initial
  let rate = 0
  let types: ReadonlyArray<FailureInjection.FailureType> = []
  let injected: ReadonlyArray<number> = []

  const tell = () =>
    jsonUnsafe({
      ...Object.fromEntries(Object.entries(latencyNames).map(([name, key]) => [name, latency[key] ?? null])),
      "failure-injection-rate": rate,
      "failure-types": types
    })

  /** What the body asks for, or what is wrong with it. */
  const read = (body: Readonly<Record<string, unknown>>) =>
    Result.gen(function*() {
      const { "failure-injection-rate": newRate, "failure-types": newTypes, ...rest } = body
      const failures = yield* Result.mapError(
        decodeFailures({ "failure-injection-rate": newRate ?? undefined, "failure-types": newTypes ?? undefined }),
        flat
      )
      const changes: Partial<Record<keyof (LatencyOptions & TimeFactor), unknown>> = {}
      for (const [name, value] of Object.entries(rest)) {
        if (!Object.hasOwn(latencyNames, name)) {
          const known = [...Object.keys(latencyNames), "failure-injection-rate", "failure-types"].join(", ")
          return yield* Result.fail(`${name} cannot be changed while the server runs; what can: ${known}`)
        }
        // As if it were not there.
        if (value !== null) changes[latencyNames[name as keyof typeof latencyNames]] = value
      }
      return { failures, latency: yield* Result.mapError(decodeLatency({ ...latency, ...changes }), flat) }
    })

  const change = Effect.gen(function*() {
    const text = yield* RequestBody.readText(yield* HttpServerRequest.HttpServerRequest)
    if (Result.isFailure(text)) return jsonUnsafe(text.failure, { status: text.failure.error.code })
    const wanted = Result.flatMap(Result.mapError(decodeObject(text.success), flat), read)
    if (Result.isFailure(wanted)) return jsonUnsafe(badRequest(wanted.failure), { status: 400 })
    const { failures } = wanted.success
    latency = wanted.success.latency
    rate = failures["failure-injection-rate"] ?? rate
    types = failures["failure-types"] ?? types
    yield* Effect.forEach(injected, board.remove, { discard: true })
    const faults = FailureInjection.faultsOf(rate, types).join(";")
    injected = yield* board.add(Result.getOrThrow(FaultSpecification.read(faults)))
    return tell()
  })

  return {
    latency: () => latency,
    timeFactor: () => latency.timeFactorUnderLoad,
    routes: Layer.mergeAll(
      HttpRouter.add("GET", "/admin/config", Effect.sync(tell)),
      HttpRouter.add("POST", "/admin/config", change)
    )
  }
}
