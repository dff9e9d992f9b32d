/**
 * Measures one agent at one size: an engine, the agent and a client, each in a process of its own, fresh for the cell.
 *
 * The agent is warmed up first with short answers from a second instance of itself, so that small sizes do not measure
 * the compiler. The budget is for the measured runs together: a run that does not end in it is stopped, and then the
 * runs that did end count, or, if there are none, what had reached the client.
 *
 * A run of a short answer is many answers in a row, and its numbers are those of one of them: processor time is counted
 * in steps that are not small against a single one. The SDK's handler and paced answers need no such care.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { createHash } from "node:crypto"
import { BenchError } from "../support/BenchError.ts"
import * as Child from "../support/Child.ts"
import { startAgentProcess } from "./agentProcess.ts"
import type { AgentName, Calls, Reception } from "./calls.ts"
import { type Cell, meanRun, medianRun, type Run } from "./Cell.ts"

export interface MeasureOptions {
  readonly agent: AgentName
  readonly tokens: number
  readonly repeats: number
  readonly budget: Duration.Duration
  /** Time between two tokens of the engine, in milliseconds; 0 = as fast as it can. */
  readonly paceMillis: number
}

const WARM_UP_TOKENS = 500
/** Warm-up answers follow each other for this long; there is at least one. */
const WARM_UP_MILLIS = 1000
/** An agent that takes longer to be warmed up does not work. */
const WARM_UP_LIMIT = "1 minute"

/** A run relays at least so many tokens. */
const TOKENS_PER_RUN = 16_000
const answersPerRun = ({ agent, paceMillis, tokens }: MeasureOptions): number =>
  agent === "sdk" || paceMillis > 0 ? 1 : Math.max(1, Math.round(TOKENS_PER_RUN / tokens))

/** The simulated engine's answer is "token token token …". */
const CHARACTERS_PER_TOKEN = " token".length
const expectedText = (tokens: number): string => "token" + " token".repeat(tokens - 1)
const tokensIn = (characters: number): number => Math.floor((characters + 1) / CHARACTERS_PER_TOKEN)

const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

type Measured =
  | { readonly _tag: "Complete"; readonly run: Run }
  | { readonly _tag: "Stopped"; readonly run: Run }
  | { readonly _tag: "Failed"; readonly detail: string }

/** The cell. It never fails: what goes wrong with an agent is a result. */
export const measure = (options: MeasureOptions): Effect.Effect<Cell> =>
  Effect.catch(Effect.scoped(measureCell(options)), (error) => Effect.succeed(failedCell(options, error.message)))

const measureCell = Effect.fnUntraced(function*(options: MeasureOptions) {
  const { budget, repeats, tokens } = options
  const engine = yield* Child.start<Calls>("engine", new URL("./simulatedEngine.ts", import.meta.url))
  const agent = yield* startAgentProcess(options.agent)
  const client = yield* Child.start<Calls>("client", new URL("./streamClient.ts", import.meta.url))

  const answers = { tokens: Math.max(tokens, WARM_UP_TOKENS), interTokenMillis: options.paceMillis }
  const engineUrl = `${yield* engine.call("startEngine", answers)}/v1`
  const warmUpUrl = yield* agent.call("startAgent", { engineUrl, maxTokens: WARM_UP_TOKENS })
  yield* warmUp(client, warmUpUrl).pipe(Effect.timeoutOrElse({
    duration: WARM_UP_LIMIT,
    orElse: () => Effect.fail(new BenchError({ message: `no end of the warm-up in ${WARM_UP_LIMIT}`, exitCode: 1 }))
  }))

  const url = yield* agent.call("startAgent", { engineUrl, maxTokens: tokens })
  const deadline = (yield* now) + Duration.toMillis(budget)
  const complete: Array<Run> = []
  let last: Measured | undefined
  while (complete.length < repeats && (last === undefined || last._tag === "Complete")) {
    const answers = Array.from(
      { length: answersPerRun(options) },
      () => Effect.flatMap(now, (at) => measureAnswer(agent, client, { url, tokens, budgetMillis: deadline - at }))
    )
    last = yield* inARow(answers)
    if (last._tag === "Complete") complete.push(last.run)
  }
  const { peakRssBytes } = yield* agent.usage
  if (last?._tag === "Failed") return failedCell(options, last.detail)
  const run = complete.length > 0 ? medianRun(complete) : last!.run
  return {
    agent: options.agent,
    tokens,
    outcome: complete.length > 0 ? "complete" : "stopped",
    detail: null,
    completeRuns: complete.length,
    textComplete: complete.length > 0,
    ...run,
    cpuMicrosPerToken: run.cpuMillis * 1000 / tokens,
    peakRssBytes
  } satisfies Cell
})

const warmUp = Effect.fnUntraced(function*(client: Child.Child<Calls>, url: string) {
  const until = (yield* now) + WARM_UP_MILLIS
  do {
    const reception = yield* client.call("converse", { url })
    const fault = faultOf(reception, WARM_UP_TOKENS)
    if (fault !== undefined) return yield* new BenchError({ message: `in the warm-up ${fault}`, exitCode: 1 })
  } while ((yield* now) < until)
})

/** One answer after the other, up to the first that is not complete. */
const inARow = Effect.fnUntraced(function*(answers: ReadonlyArray<Effect.Effect<Measured, BenchError>>) {
  const runs: Array<Run> = []
  for (const answer of answers) {
    const measured = yield* answer
    if (measured._tag !== "Complete") return measured
    runs.push(measured.run)
  }
  return { _tag: "Complete", run: meanRun(runs) } satisfies Measured
})

const measureAnswer = Effect.fnUntraced(function*(
  agent: Child.Child<Calls>,
  client: Child.Child<Calls>,
  { budgetMillis, tokens, url }: { readonly url: string; readonly tokens: number; readonly budgetMillis: number }
) {
  const startedAt = yield* now
  const before = yield* agent.usage
  const ended = yield* Effect.timeoutOption(client.call("converse", { url }), budgetMillis)
  const stoppedAfter = (yield* now) - startedAt
  const after = yield* agent.usage
  const reception = Option.isSome(ended) ? ended.value : yield* client.call("received", null)
  const run: Run = {
    wallMillis: Option.isSome(ended) ? reception.lastEventMillis : stoppedAfter,
    firstTokenMillis: reception.firstTextMillis,
    cpuMillis: (after.cpuMicros - before.cpuMicros) / 1000,
    events: reception.events,
    tokensReceived: tokensIn(reception.characters)
  }
  if (Option.isNone(ended)) return { _tag: "Stopped", run } satisfies Measured
  const fault = faultOf(reception, tokens)
  return fault === undefined
    ? { _tag: "Complete", run } satisfies Measured
    : { _tag: "Failed", detail: fault } satisfies Measured
})

/** What is wrong with an answer that has ended. */
const faultOf = (reception: Reception, tokens: number): string | undefined => {
  const expected = expectedText(tokens)
  if (reception.characters !== expected.length) {
    return `the text has ${reception.characters} characters instead of ${expected.length}`
  }
  if (reception.hash !== createHash("sha256").update(expected).digest("hex")) return "the text is another one"
  return reception.completed ? undefined : "the stream ended without saying that the task is completed"
}

const failedCell = ({ agent, tokens }: MeasureOptions, detail: string): Cell => ({
  agent,
  tokens,
  outcome: "failed",
  detail,
  completeRuns: 0,
  textComplete: false,
  wallMillis: null,
  firstTokenMillis: null,
  cpuMillis: null,
  cpuMicrosPerToken: null,
  peakRssBytes: null,
  events: null,
  tokensReceived: null
})
