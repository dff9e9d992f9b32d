/**
 * `campaign watch URL`: one message to one agent, and its answer as it comes.
 *
 * How the agent is asked stands in `messageOf`, and nowhere else. An interruption gives the stream up, which cancels the
 * task before its connection is closed (A2aClient.ts).
 */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { text as readAll } from "node:stream/consumers"
import { A2aClient, type A2aMessage } from "../a2a/A2aClient.ts"
import { inputsOf } from "../a2a/LivenessInputs.ts"
import type { AskedMode } from "../a2a/ModeChoice.ts"
import { httpAddress } from "../campaign/config/httpAddress.ts"
import { clientFor } from "../campaign/parts/CampaignClient.ts"
import { EngineEvidence } from "../liveness/EngineEvidence.ts"
import * as LivenessWatch from "../liveness/LivenessWatch.ts"
import { Ticker } from "../liveness/Ticker.ts"
import type { RunName } from "../liveness/Verdict.ts"
import { outcomeOf } from "../terminal/renderTask.ts"
import * as TaskDisplay from "../terminal/TaskDisplay.ts"
import * as TaskScreen from "../terminal/TaskScreen.ts"
import * as TaskView from "../terminal/TaskView.ts"
import { singleLine } from "../terminal/TextWidth.ts"
import { inputError, orExit, usageError } from "./CommandError.ts"
import { invocation } from "./invocation.ts"
import { underTestOf } from "./targetFlags.ts"
import { standardStreams, type UserInterface } from "./userInterface.ts"
import { hardCapMillis, settingsOf, type WatchValues } from "./watchFlags.ts"

export interface AgentValues extends WatchValues {
  readonly message: Option.Option<string>
  readonly context: Option.Option<string>
  readonly mode: AskedMode | undefined
  readonly hardCap: number | undefined
  readonly reasoning: boolean
  readonly json: boolean
}

/** The agent's address as its client needs it. Fails with wrong usage. */
const addressOf = (text: string) =>
  Effect.mapError(
    Effect.fromResult(httpAddress(text)),
    (fault) =>
      usageError(
        fault === "credentials"
          ? `the URL must not hold a user name or a token; put the token into CAMPAIGN_AGENT_TOKEN`
          : `"${text}" is not a URL; expected an agent's address such as http://127.0.0.1:9009/`
      )
  )

/** What is sent; `-` is what stands on stdin. */
const textOf = Effect.fnUntraced(function*(message: Option.Option<string>) {
  const given = Option.getOrElse(message, () => "")
  if (Option.isNone(message)) {
    return yield* usageError("say what to send with --message TEXT, or --message - for what stands on stdin")
  }
  const text = given === "-" ? yield* Effect.promise(() => readAll(process.stdin)) : given
  if (text.trim() === "") {
    return yield* usageError(
      given === "-" ? "there is nothing on stdin to send" : "--message is empty: say what to send"
    )
  }
  return text
})

const SAFE_WORD = /^\w[\w.:-]{0,199}$/

/** The message as the agent gets it. */
const messageOf = (
  url: string,
  text: string,
  { context, mode }: AgentValues,
  onContext: (contextId: string) => void
): A2aMessage => ({
  url,
  onContext,
  hop: "purple",
  text,
  mode,
  ...Option.isNone(context) ? {} : { contextId: context.value }
})

/** Sends the message and shows what comes of it. */
export const watchAgent = Effect.fnUntraced(
  function*(given: string, options: AgentValues, { color, mode }: UserInterface) {
    const url = yield* addressOf(given)
    const settings = yield* settingsOf(options)
    const budget = yield* hardCapMillis(options.hardCap, settings)
    const text = yield* textOf(options.message)
    const run: RunName = { hop: "purple", attempt: 1, endpoint: url, model: "" }
    const target = { engine: Option.none(), model: Option.none(), agent: Option.some(url), maxTokens: 1 }
    const clock = yield* Clock.Clock
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    let hasTask = false
    let conversation: string | undefined
    const view = yield* Effect.scoped(Effect.gen(function*() {
      const { send } = yield* A2aClient
      const screen = yield* TaskScreen.open(standardStreams(), { color, mode })
      return yield* TaskDisplay.run({
        screen,
        view: TaskView.begin(now(), { run, limits: settings.limits }),
        now,
        what: { agent: url, characters: text.length },
        json: options.json,
        reasoning: options.reasoning,
        task: (onVerdict) =>
          send(messageOf(url, text, options, (contextId) => {
            conversation = contextId
          })).pipe(
            LivenessWatch.watch({
              run,
              limits: settings.limits,
              policy: settings.stallPolicy,
              inputsOf,
              onVerdict,
              ...budget === null ? {} : { opened: { budgetMillis: budget } }
            }),
            Stream.provideService(EngineEvidence, EngineEvidence.none),
            Stream.mapArray((events): readonly [TaskDisplay.Arrived] => {
              hasTask ||= events.some(({ _tag }) => _tag !== "Followed")
              return [{ at: now(), events }]
            })
          )
      })
    })).pipe(
      Effect.provide(Layer.merge(clientFor(yield* underTestOf(target)), Ticker.layer(settings.limits.tickMillis))),
      Effect.onInterrupt(() =>
        Console.error(
          hasTask
            ? "campaign: interrupted; the agent was asked to cancel its task"
            : "campaign: interrupted before the agent had said anything"
        )
      ),
      orExit
    )
    // What the agent calls it may be anything; only what a shell takes as one harmless word is offered to be pasted.
    if (conversation !== undefined && SAFE_WORD.test(conversation) && mode !== "none" && !options.json) {
      yield* Console.error(`go on with it: ${invocation()} watch ${url} --context ${conversation} --message TEXT`)
    }
    if (view.end?._tag === "Broken") {
      return yield* inputError(singleLine(`${outcomeOf(view)}: ${view.end.error.message}`))
    }
  }
)
