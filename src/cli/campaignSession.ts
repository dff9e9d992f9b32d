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
import { BattleQueue } from "../campaign/BattleQueue.ts"
import type { CampaignEvent } from "../campaign/CampaignEvent.ts"
import * as CampaignRunner from "../campaign/CampaignRunner.ts"
import { CampaignStore } from "../campaign/CampaignStore.ts"
import { summarize } from "../campaign/CampaignSummary.ts"
import { type Definition, namesOf } from "../campaign/Definition.ts"
import { Ticker } from "../liveness/Ticker.ts"
import { LiveRegion } from "../terminal/LiveRegion.ts"
import * as TerminalView from "../terminal/TerminalView.ts"
import { clientFor } from "./AgentAddress.ts"
import { inputError, orExit } from "./CommandError.ts"
import * as EmbeddedAgents from "./EmbeddedAgents.ts"
import { invocation } from "./invocation.ts"
import { renderSummary } from "./renderSummary.ts"
import type { UserInterface } from "./userInterface.ts"

export interface SessionOptions {
  readonly database: string
  readonly definition: Definition
  /** Whether the store is yet to be created. */
  readonly isNew: boolean
  readonly userInterface: UserInterface
  readonly json: boolean
}

/** Runs what is pending, shows it on stderr, and prints the summary on stdout. */
export const run = Effect.fn("campaignSession.run")(function*(options: SessionOptions) {
  let isStored = !options.isNew
  const onStored = Effect.sync(() => {
    isStored = true
  })
  yield* session(options, onStored).pipe(
    Effect.scoped,
    options.userInterface.mode === "full" ? withLogsKept : (effect) => effect,
    Effect.provide([
      clientFor(options.definition),
      LiveRegion.layer,
      Ticker.layer(options.definition.limits.tickMillis)
    ]),
    Effect.onInterrupt(() =>
      Console.error(
        isStored
          ? `campaign: interrupted, what was finished is kept; go on with: ${invocation()} resume --db ${options.database}`
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
      Effect.provide(Logger.layer([keep])),
      Effect.ensuring(Effect.suspend(() => lines.length === 0 ? Effect.void : Console.error(lines.join("\n"))))
    )
  })

const session = Effect.fnUntraced(function*(options: SessionOptions, onStored: Effect.Effect<void>) {
  const { database, definition, isNew } = options
  yield* EmbeddedAgents.check(definition)
  const services = yield* orExit(Layer.build(
    CampaignStore.layer({ filename: database, create: isNew, limits: definition.limits })
  ))
  yield* Effect.gen(function*() {
    const store = yield* CampaignStore
    if (isNew) yield* store.create(definition, null)
    yield* onStored
    const agents = yield* EmbeddedAgents.start(definition)
    yield* Console.error(`campaign ${definition.id}: ${namesOf(definition)}, kept in ${database}`)
    yield* play(options, agents)
    const summary = summarize(yield* loaded(database))
    if (options.userInterface.mode === "full") yield* Console.error("")
    yield* Console.log(
      options.json
        ? JSON.stringify({ ...summary, db: database })
        : renderSummary(summary, { database, resume: `${invocation()} resume --db ${database}` })
    )
  }).pipe(orExit, Effect.provide(services))
})

const play = Effect.fnUntraced(function*(
  { database, userInterface: { color, mode } }: SessionOptions,
  { seats, services }: EmbeddedAgents.StartedAgents
) {
  const events = yield* Queue.unbounded<CampaignEvent, Cause.Done>()
  const view = yield* Effect.forkScoped(TerminalView.run(Stream.fromQueue(events), mode, { color }))
  yield* CampaignRunner.run({
    campaign: yield* loaded(database),
    seats,
    onEvent: (event) => Effect.asVoid(Queue.offer(events, event))
  }).pipe(Effect.provide(services), Effect.provide(BattleQueue.layerMemory))
  yield* Queue.end(events)
  yield* Fiber.join(view)
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
