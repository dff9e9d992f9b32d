/**
 * A fault as users write it: `NAME` or `NAME:key=value,key=value`, several of them with `;` between.
 *
 * Some keys are the fault's own parameters, the others say when it happens: `request=3` or `request=3-5` (requests are
 * counted from 1 since the server started), `probability=0.1` (drawn for each request from the server's seed),
 * `times=2` (at most so often), `from=60` (seconds since the server started, or since the fault was added) and `for=30`
 * (seconds).
 *
 * A fault of a request happens to all requests that its keys leave. A fault of the server happens once unless `times`
 * says otherwise: with the first request that its keys leave, or at a time if it has `from` and no key that looks at
 * requests; `for` is then how long it lasts, without it until it is taken away.
 */
import * as Result from "effect/Result"
import { nearestName } from "../../text/nearestName.ts"
import * as FaultCatalogue from "./FaultCatalogue.ts"
import type { FaultEntry, Parameter, ParameterValues } from "./FaultEntry.ts"

/** When a fault happens. */
export interface Trigger {
  /** The first and the last request that has it, counted from 1; undefined: any. */
  readonly requests: readonly [first: number, last: number] | undefined
  readonly probability: number
  /** Infinity: without limit. */
  readonly times: number
  /** Seconds. */
  readonly from: number | undefined
  /** Seconds; Infinity: until it is taken away. */
  readonly for: number
}

export interface FaultSpecification {
  readonly entry: FaultEntry
  readonly values: ParameterValues
  readonly trigger: Trigger
  /** The keys that were written. */
  readonly keys: ReadonlySet<string>
  /** Whether a request begins it; else time does. Only for faults of the server. */
  readonly withRequest: boolean
  readonly text: string
}

const names = FaultCatalogue.catalogue.map((fault) => fault.name)

const triggerKeys = ["request", "probability", "times", "from", "for"]

const rangeOf = (parameter: Parameter): string => {
  if (parameter.kind === "choice") return `one of ${parameter.choices.join(", ")}`
  return `${parameter.whole ? "a whole number" : "a number"} from ${parameter.least} to ${parameter.most}`
}

const decimal = /^\d+(\.\d+)?$/

const readValue = (parameter: Parameter, text: string): number | string | undefined => {
  if (parameter.kind === "choice") return parameter.choices.includes(text) ? text : undefined
  const value = decimal.test(text) ? Number(text) : NaN
  const fits = value >= parameter.least && value <= parameter.most && (!parameter.whole || Number.isInteger(value))
  return fits ? value : undefined
}

const wrong = (entry: FaultEntry, key: string, value: string, expected: string) =>
  Result.fail(`${key} of ${entry.name} must be ${expected}, not "${value}"`)

const readRequests = (text: string): Trigger["requests"] => {
  const found = /^([1-9]\d*)(?:-([1-9]\d*))?$/.exec(text)
  if (found === null) return undefined
  const first = Number(found[1])
  const last = Number(found[2] ?? found[1])
  return last < first ? undefined : [first, last]
}

type Pairs = ReadonlyMap<string, string>

const readTrigger = (entry: FaultEntry, pairs: Pairs): Result.Result<Trigger, string> => {
  const number = (key: string) => {
    const text = pairs.get(key)
    return text === undefined ? undefined : decimal.test(text) ? Number(text) : NaN
  }
  const requestText = pairs.get("request")
  const given = requestText === undefined ? undefined : readRequests(requestText)
  if (requestText !== undefined && given === undefined) {
    return wrong(entry, "request", requestText, "the number of a request, from 1, or two like 3-5")
  }
  const probability = number("probability") ?? 1
  if (!(probability >= 0 && probability <= 1)) {
    return wrong(entry, "probability", pairs.get("probability")!, "a number from 0 to 1")
  }
  const times = number("times") ?? Infinity
  if (!(times >= 1) || (times !== Infinity && !Number.isInteger(times))) {
    return wrong(entry, "times", pairs.get("times")!, "a whole number of at least 1")
  }
  for (const key of ["from", "for"]) {
    if (Number.isNaN(number(key))) return wrong(entry, key, pairs.get(key)!, "a number of seconds")
  }
  const byDefault = entry.trigger.request
  return Result.succeed({
    requests: given ?? (byDefault === undefined ? undefined : [byDefault, byDefault]),
    probability,
    times: times === Infinity && entry.scope === "server" ? 1 : times,
    from: number("from"),
    for: number("for") ?? entry.trigger.for ?? Infinity
  })
}

const readPairs = (entry: FaultEntry, text: string): Result.Result<Pairs, string> => {
  const pairs = new Map<string, string>()
  for (const part of text.split(",").map((piece) => piece.trim()).filter((piece) => piece !== "")) {
    const at = part.indexOf("=")
    const key = part.slice(0, at).trim()
    if (at < 1) return Result.fail(`"${part}" of ${entry.name} must have the form key=value`)
    if (!triggerKeys.includes(key) && entry.parameters[key] === undefined) {
      const own = Object.keys(entry.parameters)
      const has = own.length === 0 ? "no parameters" : own.join(", ")
      return Result.fail(
        `${entry.name} has no "${key}"; it has ${has}, and like every fault ${triggerKeys.join(", ")}`
      )
    }
    if (pairs.has(key)) return Result.fail(`${entry.name} has "${key}" twice`)
    pairs.set(key, part.slice(at + 1).trim())
  }
  return Result.succeed(pairs)
}

/** Whether it is to look at requests, because it was told to. */
const looksAt = (keys: { readonly has: (key: string) => boolean }): boolean =>
  ["request", "probability", "after-tokens"].some((key) => keys.has(key))

const readOne = (text: string): Result.Result<FaultSpecification, string> => {
  const at = text.indexOf(":")
  const name = (at < 0 ? text : text.slice(0, at)).trim()
  const entry = FaultCatalogue.find(name)
  if (entry === undefined) {
    return Result.fail(
      `there is no fault "${name}"; did you mean ${nearestName(name, names)}? \`campaign sim --list-faults\` shows all`
    )
  }
  return Result.gen(function*() {
    const pairs = yield* readPairs(entry, at < 0 ? "" : text.slice(at + 1))
    const values: Record<string, number | string> = {}
    for (const [key, parameter] of Object.entries(entry.parameters)) {
      const given = pairs.get(key)
      const value = given === undefined ? parameter.default : readValue(parameter, given)
      if (value === undefined) return yield* wrong(entry, key, given!, rangeOf(parameter))
      values[key] = value
    }
    const trigger = yield* readTrigger(entry, pairs)
    const looksAtRequests = looksAt(pairs)
    // What happens to everybody without a request is wanted at once.
    const needsRequest = entry.actions(values).some(({ _tag }) => _tag === "Trigger")
    const begins = entry.scope === "server" && !needsRequest && !looksAtRequests
    return {
      entry,
      values,
      trigger: begins && trigger.from === undefined ? { ...trigger, from: 0 } : trigger,
      keys: new Set(pairs.keys()),
      withRequest: looksAtRequests || (trigger.from === undefined && needsRequest),
      text: text.trim()
    }
  })
}

/** The same fault for a server that runs: one of the server begins at once, unless it says what it waits for. */
export const atOnce = (specification: FaultSpecification): FaultSpecification => {
  const { entry, keys, trigger } = specification
  if (entry.scope === "request" || looksAt(keys) || trigger.from !== undefined) return specification
  return { ...specification, trigger: { ...trigger, from: 0 }, withRequest: false }
}

/** Reads one or more faults. The failure is one line that says what is wrong and what would be right. */
export const read = (text: string): Result.Result<ReadonlyArray<FaultSpecification>, string> =>
  Result.all(text.split(";").filter((part) => part.trim() !== "").map(readOne))
