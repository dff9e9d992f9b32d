/**
 * From a definition to the end of its campaign: what `run` and `resume` share.
 *
 * Everything it starts stops with it, whether it ends, fails or is interrupted. The store is opened only once the target
 * is known to be usable, so a wrong address leaves no file behind. An interruption says how to go on.
 */
import type * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { Campaign } from "../campaign/Campaign.ts"
import type { CampaignEvent } from "../campaign/CampaignEvent.ts"
import { CampaignStore } from "../campaign/CampaignStore.ts"
import type { CampaignSummary } from "../campaign/CampaignSummary.ts"
import { type Definition, namesOf } from "../campaign/Definition.ts"
import { make } from "../campaign/parts/makeCampaign.ts"
import * as PreparedCampaign from "../campaign/parts/PreparedCampaign.ts"
import type { RunEnd } from "../campaign/RunEnd.ts"
import * as StoreLock from "../campaign/StoreLock.ts"
import { LiveRegion } from "../terminal/LiveRegion.ts"
import * as TerminalView from "../terminal/TerminalView.ts"
import { WebDashboard } from "../web/WebDashboard.ts"
import { gateError, inputError, orExit, pausedError } from "./CommandError.ts"
import { excessOf, type FailOnError } from "./failOnError.ts"
import { invocation, resumeCommand } from "./invocation.ts"
import { metricsOfRun } from "./metricsIf.ts"
import { renderSummary } from "./renderSummary.ts"
import { shownFromRunner } from "./shownCampaign.ts"
import { simulatedEngine } from "./simulatedEngine.ts"
import type { UserInterface } from "./userInterface.ts"
import { sayWhere, webLayer, type WebPlace } from "./webFlags.ts"

export interface SessionOptions {
  readonly database: string
  readonly definition: Definition
  /** What identifies the configuration; `null` for a campaign whose store has none. */
  readonly configHash: string | null
  /** What the store is to hold when it begins: a new campaign, the one that it holds, or that one extended. */
  readonly kind: "new" | "stored" | "changed"
  readonly userInterface: UserInterface
  readonly json: boolean
  /** Where the campaign is shown on a web page, if it is. */
  readonly web: WebPlace | undefined
  /** Whether anything is counted: for Prometheus beside that page, and for an export. */
  readonly metrics: boolean
  /** What the results are held to at the end. */
  readonly failOnError: FailOnError | undefined
}

/** Runs what is pending, shows it on stderr, and prints the summary on stdout. */
export const run = Effect.fn("campaignSession.run")(function*(options: SessionOptions) {
  let isStored = options.kind !== "new"
  const onStored = Effect.sync(() => {
    isStored = true
  })
  yield* session(options, onStored).pipe(
    Effect.scoped,
    options.userInterface.mode === "full" ? withLogsKept : (effect) => effect,
    Effect.provide(
      Layer.merge(LiveRegion.layer, webLayer(options.web, options.database)).pipe(
        Layer.provideMerge(metricsOfRun(options.metrics, options.web !== undefined))
      )
    ),
    Effect.onInterrupt(() =>
      Console.error(
        isStored
          ? `campaign: interrupted, what was finished is kept; go on with: ${resumeCommand(options.database)}`
          : "campaign: interrupted before the campaign began; nothing was stored"
      )
    )
  )
})

/** Keeps what is logged until the effect has ended, because a line from elsewhere would tear the live region. */
const withLogsKept = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const keep = Logger.map(Logger.formatLogFmt, (line) => void lines.push(line))
    return effect.pipe(
      // Whoever else gets them, such as a collector, does so at once.
      Effect.updateService(Logger.CurrentLoggers, (loggers) =>
        new Set([...loggers].map((logger) => logger === Logger.defaultLogger ? keep : logger))),
      Effect.ensuring(Effect.suspend(() =>
        lines.length === 0 ? Effect.void : Console.error(lines.join("\n"))
      ))
    )
  })

const session = Effect.fnUntraced(function*(options: SessionOptions, onStored: Effect.Effect<void>) {
  const { database, definition, kind } = options
  yield* orExit(Layer.build(StoreLock.layer(database)))
  const prepared = yield* orExit(
    PreparedCampaign.prepare(definition, { parts: { logs: `${database}.logs` }, simulated: simulatedEngine })
  )
  const services = yield* orExit(Layer.build(
    CampaignStore.layer({ filename: database, create: kind === "new", ownThread: true, limits: definition.limits })
  ))
  yield* Effect.gen(function*() {
    const store = yield* CampaignStore
    if (kind === "new") yield* store.create(definition, options.configHash)
    else yield* store.abandon
    if (kind === "changed") yield* store.extend(definition, options.configHash)
    yield* onStored
    const campaign = yield* make(prepared)
    yield* Console.error(`campaign ${definition.id}: ${namesOf(definition)}, kept in ${database}`)
    yield* sayWhere
    const { end, summary } = yield* play(options, campaign)
    if (options.userInterface.mode === "full") yield* Console.error("")
    yield* Console.log(
      options.json || options.userInterface.mode === "json"
        ? JSON.stringify({
          ...options.userInterface.mode === "json" ? { _tag: "Summary" } : {},
          ...summary,
          end: end._tag.toLowerCase(),
          db: database
        })
        : renderSummary(summary, { database, resume: resumeCommand(database) })
    )
    yield* judge(options, end, summary)
  }).pipe(orExit, Effect.provide(services))
})

/** Ends the command as the campaign has ended. */
const judge = Effect.fnUntraced(
  function*({ database, failOnError }: SessionOptions, end: RunEnd, summary: CampaignSummary) {
    switch (end._tag) {
      case "Ended": {
        const failure = failOnError === undefined ? undefined : excessOf(failOnError, summary.battles)
        return failure === undefined ? undefined : yield* gateError(failure)
      }
      case "Paused":
        return yield* pausedError(`stopped, because ${end.why}; go on with: ${resumeCommand(database)}`)
      case "Cancelled":
        return yield* inputError(
          `cancelled: what was pending has no score; \`${invocation()} retry --unscored --db ${database}\` brings it back`
        )
      case "Halted":
        return yield* inputError(
          `stopped, because ${
            end.why.join("; ")
          }; bring the model back, or set on-model-change = "continue", and go on ` +
            `with: ${resumeCommand(database)}`
        )
    }
  }
)

/** Plays what is pending, seen by the views. */
const play = Effect.fnUntraced(function*(
  { database, userInterface: { color, mode } }: SessionOptions,
  campaign: Campaign["Service"]
) {
  const events = yield* Queue.unbounded<CampaignEvent, Cause.Done>()
  const view = yield* Effect.forkScoped(TerminalView.run(Stream.fromQueue(events), mode, { color }))
  const web = yield* WebDashboard
  yield* web.begin(shownFromRunner(database, yield* loaded(database), campaign.laneOf))
  const result = yield* campaign.play({
    onEvent: (event) => Effect.andThen(web.tell(event), Queue.offer(events, event))
  })
  yield* Queue.end(events)
  yield* Fiber.join(view)
  return result
})

/** The campaign in the store. */
export const loaded = Effect.fnUntraced(function*(database: string) {
  const store = yield* CampaignStore
  return yield* Effect.flatMap(
    store.load,
    Option.match({
      onSome: Effect.succeed,
      onNone: () => Effect.fail(inputError(`${database} holds no campaign; name the file of one with --db`))
    })
  )
})
