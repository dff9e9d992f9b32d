/**
 * Tells a web dashboard what becomes of the campaign of a file, for ever: as it is stored while nobody runs it, and as it
 * goes while another process does.
 */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { statSync } from "node:fs"
import * as CampaignMetrics from "../campaign/CampaignMetrics.ts"
import * as CampaignWatch from "../campaign/CampaignWatch.ts"
import * as LookEvents from "../campaign/LookEvents.ts"
import * as StoredLook from "../campaign/StoredLook.ts"
import { WebDashboard } from "../web/WebDashboard.ts"
import { inputError } from "./CommandError.ts"
import { shownFromOutside, shownFromStore } from "./shownCampaign.ts"

/** Between two looks at a campaign that nobody runs, in milliseconds. */
const IDLE_LOOK_MILLIS = 1000

/** How often in a row the file may not be readable, and how long is waited then, in milliseconds. */
const MOST_FAILURES = 5
const AFTER_FAILURE_MILLIS = 2000
/** Whoever followed it for so long begins to count anew, in milliseconds. */
const WELL_MILLIS = 60_000

/** The dashboard, and whatever else is told the same. */
type Shown = Pick<WebDashboard["Service"], "begin" | "tell">

/**
 * Never ends by itself. Fails where the file cannot be read any more: not at once, because whoever goes on with a campaign
 * may have to bring its file to this release first.
 */
export const followCampaign = Effect.fnUntraced(function*(database: string) {
  const { counting } = yield* CampaignMetrics.make
  const { begin, tell } = yield* WebDashboard
  const shown: Shown = { begin, tell: counting(tell) }
  let failures = 0
  while (true) {
    const began = yield* Clock.currentTimeMillis
    const outcome = yield* Effect.result(Effect.scoped(followOnce(database, shown)))
    const isWell = Result.isSuccess(outcome) || (yield* Clock.currentTimeMillis) - began > WELL_MILLIS
    failures = isWell ? 0 : failures + 1
    if (Result.isSuccess(outcome)) continue
    if (failures >= MOST_FAILURES) return yield* outcome.failure
    yield* Console.error(`campaign: ${outcome.failure.message} (the dashboard tries again)`)
    yield* Effect.sleep(AFTER_FAILURE_MILLIS)
  }
})

/** Until somebody begins to run it or has stopped to, changes it while nobody runs it, or puts another file in its place. */
const followOnce = Effect.fnUntraced(function*(database: string, shown: Shown) {
  // Before it is opened: one that is replaced in between is then taken for another one, too.
  const identity = yield* fileIdentity(database)
  const untilReplaced = Effect.gen(function*() {
    while ((yield* fileIdentity(database)) === identity) yield* Effect.sleep(IDLE_LOOK_MILLIS)
  })
  return yield* Effect.raceFirst(followFile(database, shown), untilReplaced)
})

/**
 * Which file stands at a path; `undefined` for none. An open connection goes on with the one that it opened, while battles
 * are read by the path: whoever shows both would show two campaigns as one.
 */
const fileIdentity = (path: string): Effect.Effect<string | undefined> =>
  Effect.try({ try: () => statSync(path, { bigint: true }), catch: () => "none" as const }).pipe(
    Effect.map(({ dev, ino }) => `${dev}/${ino}`),
    Effect.orElseSucceed(() => undefined)
  )

const followFile = Effect.fnUntraced(function*(database: string, shown: Shown) {
  const opened = yield* StoredLook.open(database, { texts: false })
  if (Option.isNone(opened)) return yield* inputError(`${database} holds no campaign any more`)
  const watcher = opened.value
  const { campaign, first } = watcher
  if (first.holder !== null) {
    yield* shown.begin(shownFromOutside(database, campaign, first.holder))
    yield* Stream.runForEach(CampaignWatch.events(watcher), shown.tell)
  } else {
    yield* shown.begin(shownFromStore(database, campaign))
    const { battles, createdAt, definition } = campaign
    yield* shown.tell({ _tag: "CampaignBegan", atMillis: 0, definition, battles })
    yield* shown.tell({
      _tag: "CampaignEnded",
      atMillis: lastEndOf(campaign) - createdAt,
      end: LookEvents.endOfRun(first)
    })
  }
  const look = Effect.delay(watcher.look, IDLE_LOOK_MILLIS)
  // Whoever was told how it went needs not be told anew what is stored.
  let before = first.holder === null ? first : yield* watcher.look
  while (before.holder === null) {
    const next = yield* look
    if (next.attempts.length > before.attempts.length || next.pending !== before.pending) return
    before = next
  }
})

/** When the last attempt ended, in milliseconds since 1970. */
const lastEndOf = ({ attempts, createdAt }: StoredLook.Watcher["campaign"]): number =>
  attempts.reduce((last, { durationMillis, startedAt }) => Math.max(last, startedAt + durationMillis), createdAt)
