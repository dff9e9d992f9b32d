/**
 * An agent that a scenario starts by its command line: started, waited for until its card answers, watched, and started
 * again when it dies. The decisions are those of ProcessState.ts; here is the one fiber that feeds it.
 *
 * Laws: what answers at the address before we have started anything is never taken for the agent, neither at first nor
 * before a restart; a command that does not get as far as its card the first time is not tried again, because it is
 * wrong; before a restart nothing is left of the life before; when the scope has closed, nothing of it runs.
 *
 * Gotchas: the command must stay in the foreground, for its end is taken as the agent's. Environment values are filled in
 * once, at the start. Closing takes up to the grace, so several agents are best closed in a parallel scope. Two agents of
 * one address cannot be told apart while they start: that is for whoever reads the scenario to refuse.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { A2aClient } from "../a2a/A2aClient.ts"
import * as AddressRule from "../a2a/AddressRule.ts"
import type { Failed } from "../liveness/Failed.ts"
import type { Hop } from "../liveness/Hop.ts"
import { substitute } from "../text/Variables.ts"
import {
  AddressInUse,
  AgentProcessError,
  describeEnd,
  describeReason,
  ExitedEarly,
  GaveUp,
  NotReady,
  NotStarted
} from "./AgentProcessError.ts"
import { ProcessSpawner, type RunningProcess } from "./ProcessSpawner.ts"
import * as ProcessState from "./ProcessState.ts"

export interface AgentProcessOptions {
  /** Of the agent, for errors. */
  readonly name: string
  readonly command: {
    /** For /bin/sh, which must not return while the agent lives. */
    readonly line: string
    /** Absolute. */
    readonly workingDirectory: string
    /** Values may hold `${NAME}` and `${NAME:-default}` (Variables.ts). */
    readonly environment: Readonly<Record<string, string>>
  }
  /** Where the agent answers once it is started. */
  readonly url: string
  /** What the agent is to us; names it in errors. Default: purple. */
  readonly hop?: Hop | undefined
  /** Where its output is appended to. */
  readonly logFile: string
  /** The most bytes that the file may have. Default: 20 MB. */
  readonly logBytes?: number | undefined
  /** How long its card may take, in every life. Default: 60 s. */
  readonly patience?: Duration.Input | undefined
  readonly restart?: Partial<ProcessState.RestartLimits> | undefined
  /** Between the wish that it ends and SIGKILL. Default: 5 s. */
  readonly grace?: Duration.Input | undefined
}

export interface AgentProcess {
  readonly name: string
  readonly url: string
  readonly current: Effect.Effect<ProcessState.ProcessState>
  /** The current state, and every one after it. */
  readonly changes: Stream.Stream<ProcessState.ProcessState>
  /** Waits until the agent is ready; at once where it is. Fails with GaveUp once it has died too often. */
  readonly ready: Effect.Effect<void, AgentProcessError>
}

const DEFAULT_PATIENCE = Duration.seconds(60)
/** Between two questions for the card of an agent that starts. */
const BETWEEN_QUESTIONS = Duration.millis(250)
/** How long one question may take. */
const QUESTION_PATIENCE = Duration.seconds(10)

/** How a life ended: the error is why `start` fails, if it was the first life and the agent has never been ready. */
interface Death {
  readonly why: string
  readonly lastLines: ReadonlyArray<string>
  readonly error: AgentProcessError
}

const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

/** Starts the agent and waits until its card answers. It is kept alive, and stopped with the scope. */
export const start = Effect.fn("AgentProcess.start")(function*(options: AgentProcessOptions): Effect.fn.Return<
  AgentProcess,
  AgentProcessError,
  ProcessSpawner | A2aClient | Scope.Scope
> {
  const { name, url } = options
  const spawner = yield* ProcessSpawner
  const failed = errorOf(options)
  const limits = { ...ProcessState.restartDefaults, ...options.restart }
  const place = AddressRule.placeOf(url)
  if (Result.isFailure(place)) {
    return yield* failed(NotStarted.make({ detail: `its address ${url} cannot be requested: ${place.failure}` }))
  }
  const environment = yield* Effect.mapError(
    Effect.fromResult(filledIn(options.command.environment, spawner.variable)),
    (detail) => failed(NotStarted.make({ detail }))
  )
  const live = yield* lifeOf(options, environment)
  const states = yield* SubscriptionRef.make(ProcessState.initial(yield* now))
  const tell = (input: ProcessState.ProcessInput) =>
    SubscriptionRef.updateAndGet(states, (state) => ProcessState.step(state, input, limits))
  const begun = yield* Deferred.make<void, AgentProcessError>()
  let lastLines: ReadonlyArray<string> = []

  const onReady = Effect.gen(function*() {
    yield* tell({ _tag: "CardAnswered", at: yield* now })
    yield* Deferred.succeed(begun, undefined)
  })

  const supervise = Effect.gen(function*() {
    while (true) {
      yield* tell({ _tag: "Started", at: yield* now })
      const death = yield* live(onReady)
      if (yield* Deferred.fail(begun, death.error)) return
      // A life that never began says nothing, and hides nothing of what the one before has said.
      if (death.lastLines.length > 0) lastLines = death.lastLines
      const at = yield* now
      const { restartAtMillis } = yield* tell({ _tag: "Died", at, why: death.why })
      if (restartAtMillis === null) return
      yield* Effect.sleep(Duration.millis(restartAtMillis - at))
    }
  })
  yield* Effect.forkScoped(Effect.onError(supervise, (cause) => Deferred.failCause(begun, cause)))
  yield* Deferred.await(begun)

  const changes = SubscriptionRef.changes(states)
  const ready = changes.pipe(
    Stream.filter(({ phase }) => phase === "ready" || phase === "given-up"),
    Stream.runHead,
    Effect.flatMap((state) => {
      const { deaths, lastDeath, phase } = Option.getOrThrow(state)
      return phase === "ready" ? Effect.void : failed(GaveUp.make({ deaths, lastDeath: lastDeath ?? "", lastLines }))
    })
  )
  return { name, url, current: SubscriptionRef.get(states), changes, ready }
})

/** An error of the agent. */
const errorOf = ({ logFile, name }: AgentProcessOptions) => (reason: AgentProcessError["reason"]) =>
  new AgentProcessError({ name, logFile, reason })

/** The environment with its variables filled in, or what is missing. */
const filledIn = (
  environment: Readonly<Record<string, string>>,
  lookup: (name: string) => string | undefined
): Result.Result<Readonly<Record<string, string>>, string> =>
  Result.map(
    Result.all(
      Object.entries(environment).map(([name, text]) =>
        substitute(text, lookup).pipe(
          Result.map((value) => [name, value] as const),
          Result.mapError((missing) => `its variable ${name} wants \${${missing}}, which is not set`)
        )
      )
    ),
    Object.fromEntries
  )

/** From the start of a process to its end, after which nothing of it is left. */
const lifeOf = Effect.fnUntraced(function*(
  options: AgentProcessOptions,
  environment: Readonly<Record<string, string>>
) {
  const { command, grace, hop = "purple", logBytes, logFile, patience = DEFAULT_PATIENCE, url } = options
  const client = yield* A2aClient
  const spawner = yield* ProcessSpawner
  const failed = errorOf(options)

  /** What asking for the card gives: the agent's name, why there is none, or nothing at all for too long. */
  const ask = client.check({ url, hop }).pipe(Effect.timeoutOption(QUESTION_PATIENCE), Effect.result)
  const isVacant = Effect.map(ask, isNobody)

  const answers = (running: RunningProcess) =>
    Effect.suspend(() => {
      let detail = "it was not asked"
      const asked = Effect.map(ask, (answer) => {
        detail = Result.isFailure(answer) ? answer.failure.message : "it accepts connections and does not answer"
        return Result.isSuccess(answer) && Option.isSome(answer.success)
      })
      return asked.pipe(
        Effect.repeat({ until: (isThere) => isThere, schedule: Schedule.spaced(BETWEEN_QUESTIONS) }),
        Effect.timeoutOrElse({
          duration: patience,
          orElse: () =>
            Effect.flatMap(running.lastLines, (lastLines) => {
              const afterMillis = Duration.toMillis(Duration.fromInputUnsafe(patience))
              return failed(NotReady.make({ url, afterMillis, detail, lastLines }))
            })
        })
      )
    })

  const ends = Effect.fnUntraced(function*(running: RunningProcess) {
    const end = yield* running.exit
    const lastLines = yield* running.lastLines
    const error = failed(ExitedEarly.make({ ...end, lastLines }))
    return { why: describeEnd(end), lastLines, error }
  })

  const life = Effect.fnUntraced(function*(onReady: Effect.Effect<void>) {
    if (!(yield* isVacant)) return yield* failed(AddressInUse.make({ url }))
    const running = yield* spawner.spawn({ ...command, environment, logFile, logBytes, grace }).pipe(
      Effect.mapError(({ detail }) => failed(NotStarted.make({ detail })))
    )
    const ended = ends(running)
    yield* Effect.raceFirst(Effect.flatMap(ended, ({ error }) => error), answers(running))
    yield* onReady
    return yield* ended
  }, Effect.scoped)

  return (onReady: Effect.Effect<void>): Effect.Effect<Death> =>
    Effect.catch(life(onReady), (error) =>
      Effect.succeed({
        why: describeReason(error.reason),
        lastLines: "lastLines" in error.reason ? error.reason.lastLines : [],
        error
      }))
})

/** Whether a question for a card has shown that nobody listens. */
const isNobody = (answer: Result.Result<Option.Option<unknown>, Failed>): boolean =>
  Result.isFailure(answer) && answer.failure.reason._tag === "ConnectError"
